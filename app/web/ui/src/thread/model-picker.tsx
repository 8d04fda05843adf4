/** Which model answers in this chat. */

import { useState } from "react";
import { chooseModel, modelOf } from "../chat/models";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function ModelPicker({ draftKey }: { readonly draftKey: string }) {
  const { client } = useWorkspace();
  const { models } = useStore(client.dashboard);
  const [, choose] = useState("");
  if (models.length < 2) return null;
  return (
    <select
      className="models"
      aria-label="Model"
      data-testid="model"
      value={modelOf(models, draftKey)?.id}
      onChange={({ target }) => {
        chooseModel(draftKey, target.value);
        choose(target.value);
      }}
    >
      {models.map(({ id, label }) => <option key={id} value={id}>{label}</option>)}
    </select>
  );
}
