#!/usr/bin/env python3
"""UDP flows with numbered datagrams, to see whether each flow stays in order.

flows.py receive ADDRESS PORT SECONDS   ends after SECONDS without a datagram; prints the number of flows, of datagrams,
                                        and of datagrams that arrived after a later one of their flow
flows.py send ADDRESS PORT FLOWS COUNT  COUNT datagrams in each of FLOWS flows, in turn
"""
import socket
import struct
import sys
import time

SO_RCVBUFFORCE = 33  # asm-generic/socket.h


def receive(address, port, seconds):
    receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    receiver.bind((address, port))
    receiver.settimeout(10)
    latest, received, late = {}, 0, 0
    try:
        while True:
            datagram, sender = receiver.recvfrom(2048)
            receiver.settimeout(seconds)
            (number,) = struct.unpack_from("!I", datagram)
            received += 1
            late += number < latest.get(sender, -1)
            latest[sender] = max(number, latest.get(sender, -1))
    except TimeoutError:
        print(len(latest), received, late)


def send(address, port, flows, count):
    senders = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(flows)]
    for sender in senders:
        sender.connect((address, port))
    for number in range(count):
        # Small datagrams between large ones: one that took another way would arrive earlier.
        datagram = struct.pack("!I", number) + bytes(1200 if number % 3 else 20)
        for sender in senders:
            sender.send(datagram)
        if number % 2 == 0:
            time.sleep(0.001)


if __name__ == "__main__":
    verb, address, *numbers = sys.argv[1:]
    {"receive": receive, "send": send}[verb](address, *map(int, numbers))
