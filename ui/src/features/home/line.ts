//! What a line typed by a person must be: the same limit as `protocol::ids::DisplayName`, checked early for a kind word.

const BYTES = 96;

/** What is wrong with a name, if anything. Rust decides; this only spares a round trip. */
export function lineProblem(text: string): "empty" | "long" | null {
  const trimmed = text.trim();
  if (trimmed === "") return "empty";
  return new TextEncoder().encode(trimmed).length > BYTES ? "long" : null;
}
