import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import TreeView from "@cloudscape-design/components/tree-view";
import { useState } from "react";
import { ListOrganizationalUnitsForParent, ListRoots } from "../api/organizations";
import { useSigned } from "../session/context";
import { everyPage, useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { useText } from "../text";

interface Node {
  id: string;
  name: string;
  children: Node[];
}

/** The units of the organization; the chosen one narrows the list beside it. */
export function Tree({ chosen, choose }: { chosen: string; choose: (id: string) => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const [open, setOpen] = useState<readonly string[]>();
  const found = useLoaded(async (signal) => {
    const { Roots } = await client.call(ListRoots, {}, signal);
    const root = Roots?.[0];
    return root ? [{ id: root.Id!, name: t("account.whole"), children: await below(root.Id!) }] : [];

    async function below(parent: string): Promise<Node[]> {
      const units = await everyPage(async (nextToken) => {
        const out = await client.call(ListOrganizationalUnitsForParent, { ParentId: parent, NextToken: nextToken }, signal);
        return { items: out.OrganizationalUnits ?? [], nextToken: out.NextToken };
      });
      return Promise.all(units.map(async (u) => ({ id: u.Id!, name: u.Name!, children: await below(u.Id!) })));
    }
  }, [client]);
  const roots = found.value ?? [];
  if (!found.error && !roots.some((r) => r.children.length)) return null; // a root alone narrows nothing
  return (
    <Container header={<Header variant="h2">{t("account.tree")}</Header>}>
      <Problem error={found.error} again={found.again} />
      <TreeView<Node>
        ariaLabel={t("account.tree")}
        items={roots}
        getItemId={(n) => n.id}
        getItemChildren={(n) => n.children}
        expandedItems={open ?? roots.map((r) => r.id)}
        onItemToggle={({ detail }) => {
          const now = open ?? roots.map((r) => r.id);
          setOpen(detail.expanded ? [...now, detail.id] : now.filter((id) => id !== detail.id));
        }}
        renderItem={(n) => {
          const root = roots.includes(n);
          const here = root ? !chosen : chosen === n.id;
          return { content: <Link onFollow={(e) => { e.preventDefault(); choose(root ? "" : n.id); }} href="#" ariaLabel={n.name} variant={here ? "primary" : "secondary"}>{here ? <b>{n.name}</b> : n.name}</Link> };
        }}
      />
    </Container>
  );
}
