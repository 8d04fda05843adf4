/** Make a text field as tall as its words; the style sheet says how tall at most. */
export function fit(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
