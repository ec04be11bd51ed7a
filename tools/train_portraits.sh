#!/usr/bin/env bash
# Trains the network "portraits" of the box, in two stages: tools/train_portraits.sh FOLDER
# The first grows from 8x8 to 64x64, in about 4 hours on one CPU thread. The second continues at 64x64 from the result of
# the first, in 5 minutes on an H100 or 10 hours on one thread. Started again after a stop of any kind, the script resumes.
# tools/portraits.safetensors is the result of the second: `--init` with it continues even if FOLDER is gone.
set -euo pipefail
mkdir -p "$1" && cd "$1"
export OMP_NUM_THREADS=1
common=(--data portraits --channel-base 2048 --channel-max 64 --z-dim 128 --w-dim 128 --mapping-dim 128 --batch-at ''
  --r1-gamma 2 --r1-interval 4 --tick-kimg-at '')

stage() { # NAME KIMG OPTION...
  [ ! -e "$1.done" ] || return 0
  if [ -f "$1/config.json" ]; then
    stylegan train --resume "$1"
  else
    stylegan train --out "$1" --kimg "$2" "${common[@]}" "${@:3}"
  fi
  touch "$1.done"
}

[ -d portraits ] || stylegan prepare portraits:30000 portraits --resolution 64
stage grown 344.384 --level-kimg 60 --fade-kimg 40 --batch 16 --lrate 0.003 --lrate-at 64:0.002 --ema-kimg 10 --tick-kimg 10
stage run 754.944 --init grown --initial-resolution 64 --batch 64 --lrate 0.003 --lrate-at '' --ema-kimg 20 --tick-kimg 20
