/** Which model answers, remembered per chat; a new chat begins with the one chosen last. */

import type { ModelChoice } from "@tidewire/client";
import { read, write } from "../storage";

/** The model of a chat: the one chosen for it, else the one chosen last, else the server's own choice. */
export function modelOf(models: readonly ModelChoice[], key: string): ModelChoice | undefined {
  const named = (id: string | null) => models.find((model) => model.id === id);
  return named(read(`model.${key}`)) ?? named(read("model")) ?? models.find((model) => model.default) ?? models[0];
}

export function chooseModel(key: string, id: string): void {
  write(`model.${key}`, id);
  write("model", id);
}

/** What people call the model that has answered; null where there is no other, or it is not known here any more. */
export const nameOf = (models: readonly ModelChoice[], id: string | undefined): string | null =>
  (models.length > 1 && models.find((model) => model.id === id)?.label) || null;

/** What to ask for; undefined where there is nothing to choose. */
export const wishedModel = (models: readonly ModelChoice[], key: string): string | undefined =>
  models.length > 1 ? modelOf(models, key)?.id : undefined;
