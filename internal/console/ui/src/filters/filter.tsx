import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { useText } from "../text";
import { operators, type Property, type Token, valid } from "./property";

/** The property filter of a list; what it says stands in the page's address. */
export function Filter({ properties, tokens, onChange, label }: { properties: readonly Property[]; tokens: readonly Token[]; onChange(tokens: Token[]): void; label?: string }) {
  const { t, name } = useText();
  const filteringProperties = properties.map((p) => ({
    key: p.key,
    propertyLabel: t(p.label),
    groupValuesLabel: t("filter.values", { name: t(p.label) }),
    group: p.group,
    operators: operators[p.kind].map((operator) => ({ operator: operator as "=", format: (v: string) => (p.names ? name(p.names, v) : v) })),
    defaultOperator: operators[p.kind][0] as "=",
  }));
  const filteringOptions = properties.flatMap((p) =>
    (p.values ?? []).map((value) => ({ propertyKey: p.key, value, label: p.names ? name(p.names, value) : value })),
  );
  const groups = [...new Set(properties.map((p) => p.group))].map((key) => ({ key, label: t(key) }));
  const change = (query: PropertyFilterProps.Query) =>
    onChange(query.tokens.flatMap((token) => {
      const property = properties.find((p) => p.key === token.propertyKey);
      const value = String(token.value ?? "").trim();
      return property && valid(property, value) ? [{ key: property.key, operator: token.operator, value }] : [];
    }));
  return (
    <PropertyFilter
      query={{ operation: "and", tokens: tokens.map((k) => ({ propertyKey: k.key, operator: k.operator, value: k.value })) }}
      onChange={({ detail }) => change(detail)}
      hideOperations
      disableFreeTextFiltering
      expandToViewport
      filteringProperties={filteringProperties.map(({ group, ...p }) => ({ ...p, group }))}
      customGroupsText={groups.map((g) => ({ properties: g.label, values: g.label, group: g.key }))}
      filteringOptions={filteringOptions}
      filteringPlaceholder={t("filter.placeholder")}
      filteringAriaLabel={label ?? t("filter.label")}
      filteringConstraintText={tokens.length > 1 ? t("filter.alternatives") : undefined}
      virtualScroll
    />
  );
}
