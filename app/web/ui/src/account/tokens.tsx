/** The API tokens: for programs that act for one. */

import { useState } from "react";
import { call } from "../http";
import { ago } from "./ago";
import { Ending } from "./ending";
import { Form } from "./form";

interface Token {
  readonly tokenId: string;
  readonly name: string;
  readonly seenAt?: number;
}

export function Tokens() {
  const [secret, show] = useState<string | null>(null);
  const [isCopied, copied] = useState(false);
  const make = async (given: object) => {
    show((await call<{ token: string }>("POST", "/v1/auth/tokens", given)).token);
    copied(false);
  };
  return (
    <Ending<Token>
      title="API tokens"
      none="Programs that act for you get a token each. There is none yet."
      ending="Delete"
      read={async () => (await call<{ tokens: Token[] }>("GET", "/v1/auth/tokens")).tokens}
      keyOf={({ tokenId }) => tokenId}
      line={({ name, seenAt }) => `${name}, used ${ago(seenAt, Date.now())}`}
      end={({ tokenId }) => call("DELETE", `/v1/auth/tokens/${tokenId}`)}
    >
      {(change) => (
        <>
          <output className="secret" data-testid="token">
            {secret !== null && (
              <>
                <span>Copy it now, it is not shown again: </span>
                <code>{secret}</code>
                <button type="button" className="quiet" onClick={() => void navigator.clipboard?.writeText(secret).then(() => copied(true))}>
                  {isCopied ? "Copied" : "Copy"}
                </button>
              </>
            )}
          </output>
          <Form
            fields={[{ name: "name", label: "What is it for?", maxLength: 200 }]}
            words="Create token"
            act={async (given) => {
              await make(given);
              change(async () => {});
            }}
          />
        </>
      )}
    </Ending>
  );
}
