#!/usr/bin/env bash
# Puts the two files that the explorer's static page needs from npm's onnxruntime-web into the package, compressed, with
# licence and checksums: tools/onnxruntime_web.sh
set -euo pipefail
version=1.30.0
cd "$(dirname "$0")/.."
runtime=$PWD/src/stylegan/explorer/runtime
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "onnxruntime-web@$version" >/dev/null && tar xzf "onnxruntime-web-$version.tgz")
mkdir -p "$runtime"
for file in ort.wasm.bundle.min.mjs ort-wasm-simd-threaded.wasm; do
  grep -v '^//# sourceMappingURL' --binary-files=text "$work/package/dist/$file" > "$work/$file" || true
  [ "${file##*.}" = mjs ] || cp "$work/package/dist/$file" "$work/$file"
  gzip -9 -n -c "$work/$file" > "$runtime/$file.gz"
done
cat > "$runtime/LICENSE.txt" <<'TEXT'
The two compressed files here are those of the npm package onnxruntime-web VERSION, unchanged but for one comment:
ort.wasm.bundle.min.mjs and ort-wasm-simd-threaded.wasm. Made by tools/onnxruntime_web.sh. They are under this licence:

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
TEXT
sed -i "s/VERSION/$version/" "$runtime/LICENSE.txt"
(cd "$runtime" && sha256sum ./*.gz | sed 's#\./##' > SHA256SUMS)
ls -l "$runtime"
