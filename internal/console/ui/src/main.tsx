import "@cloudscape-design/global-styles/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { signIn } from "./session";

const root = createRoot(document.getElementById("root")!);

// The ticket works once, so it is exchanged before React may render twice.
signIn().then(
  (session) => root.render(<StrictMode><App session={session} /></StrictMode>),
  (e: unknown) => root.render(<StrictMode><App error={e instanceof Error ? e.message : String(e)} /></StrictMode>),
);
