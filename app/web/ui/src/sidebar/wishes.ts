/** Changes that were asked for here and that no event has told of yet: shown at once, true once the server says so. */

interface Wish<Row> {
  readonly fields: Partial<Row>;
  /** The row's version with the change in it; unknown before the ack. */
  version: number;
}

export class Wishes<Row extends { readonly version: number }> {
  readonly #wishes = new Map<string, Wish<Row>>();

  /**
   * Wish a change of a row, together with what is wished of it already.
   *
   * @returns what to call with the version that the ack names, or with null when the server has refused.
   */
  add(id: string, fields: Partial<Row>): (version: number | null) => void {
    const wish: Wish<Row> = { fields: { ...this.#wishes.get(id)?.fields, ...fields }, version: Number.POSITIVE_INFINITY };
    this.#wishes.set(id, wish);
    return (version) => {
      if (version !== null) wish.version = version;
      else if (this.#wishes.get(id) === wish) this.#wishes.delete(id);
    };
  }

  /** A row as it will be once what was wished is done; the very row when nothing is wished of it. */
  of(id: string, row: Row): Row {
    const wish = this.#wishes.get(id);
    if (!wish) return row;
    if (row.version < wish.version) return { ...row, ...wish.fields };
    this.#wishes.delete(id); // the server tells of it, or of something newer
    return row;
  }
}
