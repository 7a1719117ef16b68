import SpaceBetween from "@cloudscape-design/components/space-between";
import { Children, Fragment, isValidElement, type ReactNode } from "react";

/** Children without the fragments around them: the library's SpaceBetween sees a fragment as one child, whose parts then touch. */
export function flat(children: ReactNode): ReactNode[] {
  const open = (child: ReactNode): ReactNode =>
    isValidElement<{ children?: ReactNode }>(child) && child.type === Fragment ? Children.toArray(child.props.children).map(open) : child;
  return Children.toArray(Children.toArray(children).map(open));
}

/** Buttons beside each other, with a gap, wrapped where there is no room. */
export function Row({ children }: { children: ReactNode }) {
  return <SpaceBetween direction="horizontal" size="xs">{flat(children)}</SpaceBetween>;
}
