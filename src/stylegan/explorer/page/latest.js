// The newest request wins: one is under way, one waits, and those between are never sent.

export class Latest {
  constructor(work, { done, failed }) {
    this.work = work;
    this.done = done;
    this.failed = failed;
    this.waiting = null;
    this.busy = false;
  }

  get idle() {
    return !this.busy;
  }

  ask(what) {
    this.waiting = { what };
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    while (this.waiting) {
      const { what } = this.waiting;
      this.waiting = null;
      try {
        const found = await this.work(what);
        this.done(found, what);
      } catch (error) {
        if (error.name !== "AbortError") this.failed(error, what);
      }
    }
    this.busy = false;
  }
}
