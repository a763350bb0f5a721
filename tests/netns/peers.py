#!/usr/bin/env python3
"""TCP and UDP servers that answer each line or datagram with its source address.

  peers.py tcp ADDRESS PORT...            answers until it is killed
  peers.py udp ADDRESS PORT...
  peers.py ask-udp ADDRESS PORT [FROM]    sends a datagram and prints the answer or the name of the error
"""
import errno
import selectors
import socket
import sys


def serve(kind, address, ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        server = socket.socket(socket.AF_INET6, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen()
        selector.register(server, selectors.EVENT_READ, "server")
    while True:
        for key, _ in selector.select():
            if kind == socket.SOCK_DGRAM:
                _, sender = key.fileobj.recvfrom(65535)
                key.fileobj.sendto(sender[0].encode(), sender)
            elif key.data == "server":
                connection, peer = key.fileobj.accept()
                selector.register(connection, selectors.EVENT_READ, peer[0])
            elif key.fileobj.recv(65535):
                key.fileobj.sendall(key.data.encode() + b"\n")
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()


def ask_udp(address, port, source="::"):
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.settimeout(2)
    client.bind((source, 0))
    client.connect((address, port))
    try:
        client.send(b"who am I?")
        return client.recv(65535).decode()
    except OSError as error:
        return errno.errorcode.get(error.errno, "timeout")


match sys.argv[1]:
    case "tcp":
        serve(socket.SOCK_STREAM, sys.argv[2], map(int, sys.argv[3:]))
    case "udp":
        serve(socket.SOCK_DGRAM, sys.argv[2], map(int, sys.argv[3:]))
    case "ask-udp":
        print(ask_udp(sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
