// The stream of numpy.random.RandomState(seed): Mersenne Twister, and normal numbers by Marsaglia's polar method.

const N = 624;
const M = 397;

export class RandomState {
  constructor(seed) {
    const key = new Uint32Array(N);
    key[0] = seed;
    for (let i = 1; i < N; i++) {
      const before = key[i - 1] ^ (key[i - 1] >>> 30);
      key[i] = Math.imul(1812433253, before) + i;
    }
    this.key = key;
    this.place = N;
    this.spare = null;
  }

  // `count` standard normal numbers, rounded to float32.
  normals(count) {
    return Float32Array.from({ length: count }, () => this.normal());
  }

  normal() {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    let x, y, r2;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      r2 = x * x + y * y;
    } while (r2 >= 1 || r2 === 0);
    const f = Math.sqrt((-2 * Math.log(r2)) / r2);
    this.spare = f * x;
    return f * y;
  }

  // In [0, 1), of 53 bits.
  uniform() {
    const a = this.word() >>> 5;
    const b = this.word() >>> 6;
    return (a * 67108864 + b) / 9007199254740992;
  }

  word() {
    if (this.place === N) this.twist();
    let y = this.key[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const { key } = this;
    for (let i = 0; i < N; i++) {
      const y = (key[i] & 0x80000000) | (key[(i + 1) % N] & 0x7fffffff);
      key[i] = key[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}
