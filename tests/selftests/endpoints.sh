# The endpoints in place of sit devices; to be sourced by `ip` and on_sixin4.sh. Environment:
#
#   sixin4_program    sixin4
#   sixin4_ip         ip(8)
#   sixin4_endpoints  a directory with a subdirectory NAMESPACE-NAME.RANDOM for each endpoint, which contains its
#                     `log`, its process id (`pid`), its control socket and, after its end, its exit `status`.
#                     The file `failures` lists failed operations

# namespace_id FILE: prints the inode number of a network namespace
namespace_id() { stat --dereference --format %i "$1" 2>/dev/null || true; }

# end_endpoints PATTERN: ends the running endpoints whose NAMESPACE-NAME matches. Fails if there is none.
end_endpoints() {
  local directory tries found=1
  for directory in "$sixin4_endpoints"/$1.??????; do
    if [[ ! -e $directory/pid || -e $directory/status ]]; then continue; fi
    found=0
    kill "$(cat "$directory/pid")" 2>/dev/null || true
    tries=500
    until [[ -e $directory/status ]] || ((--tries == 0)); do sleep 0.02; done
  done
  return "$found"
}
