import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./styles/page.css";
import { createWorkspace, WorkspaceContext } from "./workspace";

const workspace = createWorkspace();
workspace.client.open();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
createRoot(root).render(
  <WorkspaceContext value={workspace}>
    <App />
  </WorkspaceContext>,
);
