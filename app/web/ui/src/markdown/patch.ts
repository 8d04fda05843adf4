/**
 * Makes nodes like other nodes, with as few changes as a text that grew at its end needs: a browser lays out and paints
 * what changed, and a selection in what did not stays.
 */

/** Make the children of `place` those of `wanted`; nodes that are right already stay. */
export function patch(place: Node, wanted: Node): void {
  let shown = place.firstChild;
  for (let next = wanted.firstChild; next; ) {
    const following: ChildNode | null = next.nextSibling;
    if (!shown) place.appendChild(next);
    else if (isAlike(shown, next)) shown = liken(shown, next).nextSibling;
    else {
      place.replaceChild(next, shown);
      shown = next.nextSibling;
    }
    next = following;
  }
  while (shown) {
    const following: ChildNode | null = shown.nextSibling;
    shown.remove();
    shown = following;
  }
}

/** Whether one node can be made like the other by its text or its children alone. */
function isAlike(one: Node, other: Node): boolean {
  if (one instanceof Text) return other instanceof Text;
  if (!(one instanceof Element) || !(other instanceof Element)) return false;
  if (one.tagName !== other.tagName || one.attributes.length !== other.attributes.length) return false;
  return [...one.attributes].every(({ name, value }) => other.getAttribute(name) === value);
}

function liken(shown: ChildNode, wanted: Node): ChildNode {
  if (!(shown instanceof Text)) patch(shown, wanted);
  else if (shown.data !== wanted.textContent) grow(shown, wanted.textContent ?? "");
  return shown;
}

function grow(text: Text, words: string): void {
  if (words.startsWith(text.data)) text.appendData(words.slice(text.data.length));
  else text.data = words;
}
