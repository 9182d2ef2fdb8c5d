// Seconds of work on one comparison, from when it is shown: time between signs of life, each gap counted up to a limit.

export class ActiveTime {
  /**
   * @param {number} [already] seconds counted before a reload
   * @param {number} [longestGap] seconds without a sign of life after which the clock stands still
   * @param {() => number} [clock] milliseconds
   */
  constructor(already = 0, longestGap = 60, clock = () => performance.now()) {
    this.longestGap = longestGap;
    this.clock = clock;
    this.counted = already;
    this.last = clock();
  }

  /** Somebody moved, pressed or scrolled. */
  touch() {
    const now = this.clock();
    this.counted += Math.min((now - this.last) / 1000, this.longestGap);
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
