/** Shows the README's example of the stock transport in place of the page's body. */
import { createRoot } from "react-dom/client";
import { Conversation } from "./readme-stock.js";

createRoot(document.body).render(<Conversation chatId="chat_readme_stock" />);
