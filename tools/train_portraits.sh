#!/usr/bin/env bash
# Trains the network "portraits" of the box, and goes on with it: tools/train_portraits.sh FOLDER
# One thread. Started again after a stop of any kind, it resumes from the last state. On another machine, where FOLDER
# does not exist any more, `--init tools/portraits.safetensors` starts from the networks as they were at the last commit.
set -euo pipefail
mkdir -p "$1" && cd "$1"
export OMP_NUM_THREADS=1
[ -d portraits ] || stylegan prepare portraits:30000 portraits --resolution 64
if [ -f run/config.json ]; then
  exec stylegan train --resume run
fi
exec stylegan train --data portraits --out run --kimg 1500 --level-kimg 60 --fade-kimg 40 --channel-base 2048 \
  --channel-max 64 --z-dim 128 --w-dim 128 --mapping-dim 128 --batch 16 --batch-at '' --lrate 0.003 \
  --lrate-at 64:0.002 --r1-gamma 2 --r1-interval 4 --ema-kimg 10 --tick-kimg 10 --tick-kimg-at ''
