/** Who one is: the button below the chats. */

import { Icon } from "../shell/icon";

export function AccountButton() {
  return (
    <button type="button" className="account" data-testid="account-button">
      <Icon name="person" />
      <span className="name">Sign in</span>
    </button>
  );
}
