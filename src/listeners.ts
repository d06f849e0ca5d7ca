/** Who asked to be told of something. Telling is safe: whatever a listener does, the others and the caller go on. */
import { messageOf } from './errors.ts';
import { warn } from './warning.ts';

interface Told<T> {
  readonly tell: (news: T) => void;
  /** It has failed, and was warned of. */
  faulty: boolean;
}

export class Listeners<T> {
  readonly #what: string;
  readonly #all = new Set<Told<T>>();

  /** `what` they listen for, in the plural: it stands in the warning. */
  constructor(what: string) {
    this.#what = what;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Tells `listener` of what is told from now on, until the function that this gives is called. */
  on(listener: (news: T) => void): () => void {
    const entry: Told<T> = { tell: listener, faulty: false };
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  /** Those that are there when it begins: one that adds another at each call would never come to an end. */
  tell(news: T): void {
    for (const listener of [...this.#all]) if (this.#all.has(listener)) this.#tellOne(listener, news);
  }

  /** A listener that fails is the service's to mend, and stays: the next news may be one that it can take. */
  #tellOne(listener: Told<T>, news: T): void {
    const failed = (error: unknown) => {
      if (listener.faulty) return;
      listener.faulty = true;
      warn(`a listener for ${this.#what} failed: ${messageOf(error)}`);
    };
    try {
      const result: unknown = listener.tell(news);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
