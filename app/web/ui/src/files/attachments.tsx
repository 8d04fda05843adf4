/** The files beside the words that are being written. */

/** @param draftKey of the draft that they belong to. */
export function Attachments(_: { readonly draftKey: string }) {
  return null;
}

/** The button that picks files. */
export function AttachButton(_: { readonly draftKey: string }) {
  return null;
}
