// Who is computed next: in each slot the newest request, and "main" before the others.

export class Turns {
  constructor() {
    this.waiting = new Map();
    this.busy = false;
  }

  // What `work` gives when its turn comes; rejects with AbortError if a newer one takes its slot, or `signal` says so.
  take(slot, signal, work) {
    return new Promise((resolve, reject) => {
      this.waiting.get(slot)?.reject(aborted("overtaken"));
      const job = { work, resolve, reject };
      this.waiting.delete(slot); // a new request waits behind those of other slots
      this.waiting.set(slot, job);
      signal?.addEventListener("abort", () => {
        if (this.waiting.get(slot) === job) this.waiting.delete(slot);
        reject(aborted("canceled"));
      });
      if (signal?.aborted) {
        this.waiting.delete(slot);
        reject(aborted("canceled"));
      }
      this.run();
    });
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.size) {
      await new Promise((resolve) => setTimeout(resolve)); // let the page take input and draw
      const slot = this.waiting.has("main") ? "main" : this.waiting.keys().next().value;
      const job = this.waiting.get(slot);
      if (!job) continue;
      this.waiting.delete(slot);
      try {
        job.resolve(await job.work());
      } catch (error) {
        job.reject(error);
      }
    }
    this.busy = false;
  }
}

function aborted(words) {
  return new DOMException(words, "AbortError");
}
