// Seconds of work on one comparison: time between signs of life, each gap counted up to a minute.

const LONGEST_GAP = 60;

export class ActiveTime {
  /**
   * @param {number} [already] seconds counted before a reload
   * @param {() => number} [clock] milliseconds
   */
  constructor(already = 0, clock = () => performance.now()) {
    this.clock = clock;
    this.counted = already;
    this.last = clock();
  }

  /** Somebody moved, pressed or scrolled. */
  touch() {
    const now = this.clock();
    this.counted += Math.min((now - this.last) / 1000, LONGEST_GAP);
    this.last = now;
  }

  /** The page came back into view: the time away does not count. */
  resume() {
    this.last = this.clock();
  }

  /** @returns {number} seconds so far, to a tenth */
  seconds() {
    this.touch();
    return Math.round(this.counted * 10) / 10;
  }
}
