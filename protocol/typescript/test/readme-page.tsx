/** Shows the README's example in place of the page's body. */
import { createRoot } from "react-dom/client";
import { Conversation } from "./readme.js";

createRoot(document.body).render(<Conversation chatId="chat_readme" />);
