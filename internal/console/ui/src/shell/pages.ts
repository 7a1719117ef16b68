import { type ComponentType, lazy } from "react";
import type { Key } from "../text";

export interface PageDefinition {
  path: string;
  title: Key;
  /** The part of the navigation it stands in; none for pages that others lead to. */
  section?: Key;
  page: ComponentType;
}

/** Every page, each in a bundle of its own. */
export const pages: PageDefinition[] = [
  { path: "/dashboard", title: "nav.dashboard", page: lazy(() => import("../pages/dashboard")) },
  { path: "/findings/vulnerabilities", title: "nav.byVulnerability", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByVulnerability }))) },
  { path: "/findings/accounts", title: "nav.byAccount", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByAccount }))) },
  { path: "/findings/units", title: "nav.byUnit", section: "nav.findings", page: lazy(() => import("../pages/units")) },
  { path: "/findings/instances", title: "nav.byInstance", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByInstance }))) },
  { path: "/findings/images", title: "nav.byImage", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByImage }))) },
  { path: "/findings/repositories", title: "nav.byRepository", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByRepository }))) },
  { path: "/findings/layers", title: "nav.byLayer", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByLayer }))) },
  { path: "/findings/functions", title: "nav.byFunction", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByFunction }))) },
  { path: "/findings/packages", title: "nav.byPackage", section: "nav.findings", page: lazy(() => import("../pages/groups").then((m) => ({ default: m.ByPackage }))) },
  { path: "/findings", title: "nav.all", section: "nav.findings", page: lazy(() => import("../pages/findings")) },
  { path: "/finding", title: "finding.title", page: lazy(() => import("../pages/finding")) },
  { path: "/rules", title: "nav.rules", section: "nav.findings", page: lazy(() => import("../pages/rules")) },
  { path: "/vulnerabilities", title: "nav.vulnerabilities", section: "nav.findings", page: lazy(() => import("../pages/vulnerabilities")) },
  { path: "/network", title: "nav.network", section: "nav.findings", page: lazy(() => import("../pages/network")) },
  { path: "/exports", title: "nav.exports", section: "nav.findings", page: lazy(() => import("../pages/exports")) },
  { path: "/coverage", title: "nav.coverage", page: lazy(() => import("../pages/coverage")) },
  { path: "/resource", title: "resource.title", page: lazy(() => import("../pages/resourcepage")) },
  { path: "/start", title: "nav.start", section: "nav.setUp", page: lazy(() => import("../pages/start")) },
  { path: "/doctor", title: "nav.doctor", section: "nav.setUp", page: lazy(() => import("../pages/doctor")) },
  { path: "/delegate", title: "nav.delegate", section: "nav.setUp", page: lazy(() => import("../pages/delegate")) },
  { path: "/accounts", title: "nav.accounts", section: "nav.setUp", page: lazy(() => import("../pages/accounts")) },
  { path: "/rollouts", title: "nav.rollouts", section: "nav.setUp", page: lazy(() => import("../pages/rollouts")) },
  { path: "/settings", title: "nav.settings", section: "nav.setUp", page: lazy(() => import("../pages/settings")) },
  { path: "/usage", title: "nav.usage", section: "nav.operation", page: lazy(() => import("../pages/usage")) },
  { path: "/feeds", title: "nav.feeds", section: "nav.operation", page: lazy(() => import("../pages/feeds")) },
  { path: "/agents", title: "nav.agents", section: "nav.operation", page: lazy(() => import("../pages/agents")) },
  { path: "/registries", title: "nav.registries", section: "nav.operation", page: lazy(() => import("../pages/registries")) },
  { path: "/code", title: "nav.code", section: "nav.operation", page: lazy(() => import("../pages/code")) },
  { path: "/destinations", title: "nav.sinks", section: "nav.operation", page: lazy(() => import("../pages/sinks")) },
  { path: "/jobs", title: "jobs.title", section: "nav.operation", page: lazy(() => import("../pages/jobs")) },
  { path: "/audit", title: "nav.audit", section: "nav.operation", page: lazy(() => import("../pages/audit")) },
  { path: "/security", title: "nav.security", page: lazy(() => import("../pages/security")) },
  { path: "/switch-role", title: "role.switch", page: lazy(() => import("../pages/switchrole")) },
];
