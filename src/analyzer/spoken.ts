/** Things that are their sentence as text. */

const spoken = {
  toString(): string {
    return (this as unknown as { readonly sentence: string }).sentence;
  },
};

/**
 * A frozen copy of `fields` whose text is its sentence. The text is apart from the fields, so that what is made can be
 * sent to a worker, or written as JSON, as it is.
 */
export function asSpoken<T extends { readonly sentence: string }>(fields: T): Readonly<T> & { toString(): string } {
  return Object.freeze(Object.assign(Object.create(spoken) as typeof spoken, fields));
}
