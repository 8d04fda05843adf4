/** Answers as the streams of `ai`. Only this folder needs `ReadableStream` and `AbortSignal`. */

import type { UIMessageChunk } from "ai";
import type { Chunk } from "../parts/chunks.js";
import type { Answer } from "../sdk/answer.js";

/**
 * Every chunk of an answer from its start on, what there is already in few merged ones.
 *
 * It ends with the answer. Cancelling it, or the signal, lets go of the answer and nothing more.
 */
export function chunksOf(answer: Answer, signal?: AbortSignal): ReadableStream<UIMessageChunk> {
  let leave = () => {};
  return new ReadableStream<UIMessageChunk>({
    start(controller) {
      const abort = () => {
        leave();
        controller.error(aborted());
      };
      const forget = () => signal?.removeEventListener("abort", abort);
      const stopReading = answer.read({
        chunks: (chunks) => {
          for (const chunk of chunks) controller.enqueue(asUIMessageChunk(chunk));
        },
        end: (failure) => {
          forget();
          if (failure) controller.error(failure);
          else controller.close();
        },
      });
      leave = () => {
        forget();
        stopReading();
      };
      if (signal?.aborted) abort();
      else if (!answer.isOver) signal?.addEventListener("abort", abort);
    },
    cancel: () => leave(),
  });
}

/** The promise, unless the signal comes first: then an `AbortError`, while what was asked goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted());
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function aborted(): Error {
  const error = new Error("The answer is no longer read here.");
  error.name = "AbortError"; // by this name `ai` tells an abort from a failure
  return error;
}

/** Our chunks are `ai`'s, field for field; a kind it does not know is its own affair. */
const asUIMessageChunk = (chunk: Chunk): UIMessageChunk => chunk as unknown as UIMessageChunk;
