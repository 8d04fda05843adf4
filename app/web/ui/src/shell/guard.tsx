/** Catches what cannot be drawn, so that everything around it stays. */

import { Component, type ReactNode } from "react";

interface GuardProps {
  /** What is drawn: when it is another, drawing it is tried again. */
  readonly of: unknown;
  /** What stands in its place. */
  readonly instead: (again: () => void) => ReactNode;
  readonly children: ReactNode;
}

export class Guard extends Component<GuardProps, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError = () => ({ isBroken: true });

  override componentDidUpdate({ of }: GuardProps) {
    if (this.state.isBroken && of !== this.props.of) this.#again();
  }

  #again = () => this.setState({ isBroken: false });

  override render() {
    const { instead, children } = this.props;
    return this.state.isBroken ? instead(this.#again) : children;
  }
}

/** A whole part of the page that cannot be drawn. */
export const broken = (words: string) => (again: () => void) => (
  <div className="empty" role="alert">
    <p>{words}</p>
    <button type="button" className="quiet accent" onClick={again}>Try again</button>
  </div>
);
