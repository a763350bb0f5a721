# The endpoints that stand for sit devices; to be sourced by `ip` and on_sixin4.sh. From the environment:
#
#   sixin4_program    sixin4
#   sixin4_ip         ip(8)
#   sixin4_endpoints  a directory that has one for each endpoint, NAMESPACE-NAME.RANDOM; in it are the endpoint's
#                     `log`, its process id (`pid`), its control socket and, once it has ended, its exit `status`.
#                     What could not be done stands in the file `failures`

# namespace_id FILE: the number of a network namespace
namespace_id() { stat --dereference --format %i "$1" 2>/dev/null || true; }

# end_endpoints PATTERN: ends those that run and whose NAMESPACE-NAME is like that. False where there are none.
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
