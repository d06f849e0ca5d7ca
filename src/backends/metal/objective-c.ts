/**
 * Messages as functions. `objc_msgSend` is bound once for each message, with the types of that message: it finds the
 * method and jumps to it, so that the caller must pass and take values as the method itself does (Apple, objc/message.h:
 * "must be cast to an appropriate function pointer type before being called").
 */
import type { Call, Given, Structure, Taken, ValueOf, ValuesOf } from '../../ffi.ts';
import type { Message, MessageTable } from './messages.ts';

/** The call that sends a message: the receiver and the selector come before what the message takes. */
export type CallOf<M extends Message> = {
  readonly symbols: readonly string[];
  readonly takes: readonly ['handle', 'handle', ...M['takes']];
  readonly gives: M['gives'];
};
export type CallsOf<T extends MessageTable> = { readonly [Name in keyof T]: CallOf<T[Name]> };

/** The functions of a message table. The receiver is never nil: on nil there is nothing to ask. */
export type Senders<T extends MessageTable> = {
  readonly [Name in keyof T]: (receiver: bigint, ...values: ValuesOf<T[Name]['takes']>) => ValueOf<T[Name]['gives']>;
};

/** The call table of a message table. */
export function callsOf<T extends MessageTable>(table: T): CallsOf<T> {
  const calls = Object.entries(table).map(([name, { takes, gives }]): [string, Call] => {
    const all: readonly Taken[] = ['handle', 'handle', ...takes];
    return [name, { symbols: entriesFor(gives), takes: all, gives }];
  });
  // One row for each message, under its name and with its types.
  return Object.fromEntries(calls) as unknown as CallsOf<T>;
}

/** Of what is given in registers: two on either architecture. */
const bytesInRegisters = 16;
const bytesOfMember = 8;

/**
 * The runtime's entries for what a message gives, the one to be taken first. On x86-64 what does not fit into two
 * registers is written to memory whose address is the first argument, where `objc_msgSend` would look for the receiver:
 * there is `objc_msgSend_stret` for that. On arm64 the address has a register of its own, and that entry does not exist
 * (objc/message.h: OBJC_ARM64_UNAVAILABLE), so that the usual one is found. Doubles need no other entry on either:
 * `objc_msgSend_fpret` is for `long double`.
 */
export function entriesFor(gives: Given): readonly string[] {
  const usual = 'objc_msgSend';
  return isInMemory(gives) ? ['objc_msgSend_stret', usual] : [usual];
}

const isInMemory = (gives: Given): gives is Structure =>
  typeof gives !== 'string' && Object.keys(gives).length * bytesOfMember > bytesInRegisters;
