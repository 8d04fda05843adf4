/** Files beside the words that are being written: uploaded at once, so that sending waits for nothing. */

import { type Client, CommandRefused } from "@tidewire/client";
import type { Draft, DraftFile, Drafts } from "../chat/drafts";
import { UNREACHABLE } from "../http";
import { Value } from "../store";
import { typeOf, whatIsWrong } from "./kinds";

export class Uploads {
  /** What is wrong with what was to be attached, in words; empty when nothing is. */
  readonly problem = new Value("");
  readonly #drafts: Drafts;
  readonly #limits: Value<Readonly<Record<string, number>>>;
  readonly #client: Client;

  constructor(drafts: Drafts, limits: Value<Readonly<Record<string, number>>>, client: Client) {
    this.#drafts = drafts;
    this.#limits = limits;
    this.#client = client;
  }

  /** Attach files to a draft; what cannot be sent is said before anything of it is. */
  async add(draftKey: string, files: readonly File[]): Promise<void> {
    this.problem.set("");
    for (const file of files) {
      const mediaType = await typeOf(file);
      const given = { name: file.name, size: file.size, mediaType };
      const wrong = whatIsWrong(given, this.#drafts.get(draftKey).files, this.#limits.getSnapshot());
      if (wrong !== null || mediaType === null) this.problem.set(wrong ?? "");
      else void this.#upload(draftKey, file, mediaType);
    }
  }

  remove(draftKey: string, key: string): void {
    this.problem.set("");
    this.#change(draftKey, (files) => files.filter((file) => file.key !== key));
  }

  /** Say why a draft is not sent as it stands. */
  explain({ files }: Draft, isLong: boolean): void {
    const broken = files.find(({ problem }) => problem !== null);
    if (isLong) this.problem.set("This is too long to be sent at once. Shorten it, or attach it as a file.");
    else if (broken) this.problem.set(`${broken.filename} could not be uploaded. Remove it, or attach it once more.`);
    else this.problem.set(files.some(({ url }) => url === null) ? "Will be sent when everything is uploaded." : "");
  }

  async #upload(draftKey: string, file: File, mediaType: string): Promise<void> {
    const key = this.#client.newId();
    const item = { key, filename: file.name, size: file.size, mediaType, url: null, problem: null };
    this.#change(draftKey, (files) => [...files, item]);
    const put = (change: Partial<DraftFile>) =>
      this.#change(draftKey, (files) => files.map((other) => (other.key === key ? { ...other, ...change } : other)));
    try {
      const { size, part: { url, filename, mediaType: found } } = await this.#client.upload(file, { mediaType });
      put({ url, filename, size, mediaType: found });
    } catch (failure) {
      put({ problem: failure instanceof CommandRefused ? failure.message : UNREACHABLE });
    }
  }

  #change(draftKey: string, change: (files: readonly DraftFile[]) => readonly DraftFile[]): void {
    this.#drafts.change(draftKey, { files: change(this.#drafts.get(draftKey).files) });
  }
}
