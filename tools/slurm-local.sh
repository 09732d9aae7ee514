#!/usr/bin/env bash
# Runs a command under a Slurm of its own: munged, slurmctld and slurmd of this machine alone, with
# everything they write in a scratch folder, started before the command and stopped after it. Needs
# no systemd, no cgroups and no other configuration; as root or as any user. Nothing is installed:
# the Debian packages are slurm-wlm and munge.
#
# usage: tools/slurm-local.sh COMMAND...     e.g.
#   tools/slurm-local.sh srun -n 2 --mpi=pmix build/release/winnow info scores.npy
#   tools/slurm-local.sh sbatch --wait job.sh
#
# Exits with the command's code; 2 where Slurm is missing, 1 where it does not start. The node has
# WINNOW_SLURM_CPUS CPUs (8), whatever the machine has. Logs are printed when Slurm does not start,
# and kept with WINNOW_SLURM_KEEP=1.
set -euo pipefail

say() { printf 'slurm-local: %s\n' "$*" >&2; }

require_programs() {
  local program
  PATH=$PATH:/usr/sbin:/sbin
  for program in munged slurmctld slurmd srun; do
    if ! command -v "$program" >/dev/null; then
      say "no $program; on Debian: apt-get install slurm-wlm munge"
      exit 2
    fi
  done
}

# free_port: one that nobody listens on.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

write_configuration() {
  local node user
  node=$(hostname -s)
  user=$(id -un)
  mkdir -p "$scratch"/{state,spool}
  cat >"$SLURM_CONF" <<CONF
ClusterName=local
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=${WINNOW_SLURM_CPUS:-8} State=UNKNOWN
PartitionName=local Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
}

# start NAME COMMAND...: runs a daemon that stays in the foreground.
start() {
  local name=$1
  shift
  "$@" >"$scratch/$name.out" 2>&1 &
  daemons+=($!)
}

# wait_for WHAT COMMAND...: until the command succeeds; at most half a minute.
wait_for() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 150; tries++)); do
    if "$@"; then return; fi
    sleep 0.2
  done
  say "$what did not come up within 30 s"
  tail -n 20 "$scratch"/*.out >&2
  exit 1
}

has_idle_node() { sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle$'; }

stop() {
  # The last one started first: jobs end before what they report to.
  local i
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
  if [[ ${WINNOW_SLURM_KEEP:-0} == 1 ]]; then
    say "logs are in $scratch"
  else
    rm -rf "$scratch"
  fi
}

if (($# == 0)); then
  say "no command; usage: tools/slurm-local.sh COMMAND..."
  exit 2
fi
require_programs
daemons=()
# Not below TMPDIR: munged refuses folders in which others may write, unless they are sticky.
scratch=$(mktemp -d -t winnow-slurm.XXXXXX)
chmod 755 "$scratch" # munged wants its socket within everybody's reach; the key is not
trap stop EXIT
export SLURM_CONF=$scratch/slurm.conf
write_configuration
(umask 077 && head -c 1024 /dev/urandom >"$scratch/munge.key")
start munged munged --foreground --key-file="$scratch/munge.key" --socket="$scratch/munge.socket" \
  --pid-file="$scratch/munged.pid" --log-file="$scratch/munged.log" \
  --seed-file="$scratch/munged.seed"
wait_for munged test -S "$scratch/munge.socket"
start slurmctld slurmctld -D
start slurmd slurmd -D
wait_for slurmd has_idle_node
"$@"
