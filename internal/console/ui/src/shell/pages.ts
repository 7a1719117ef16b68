import type { ComponentType } from "react";
import Accounts from "../pages/accounts";
import Agents from "../pages/agents";
import Audit from "../pages/audit";
import Code from "../pages/code";
import Components from "../pages/components";
import Coverage from "../pages/coverage";
import Dashboard from "../pages/dashboard";
import Delegate from "../pages/delegate";
import Doctor from "../pages/doctor";
import Exports from "../pages/exports";
import Feeds from "../pages/feeds";
import Finding from "../pages/finding";
import Findings from "../pages/findings";
import { ByAccount, ByFunction, ByImage, ByInstance, ByLayer, ByPackage, ByRepository, ByVulnerability } from "../pages/groups";
import Jobs from "../pages/jobs";
import Network from "../pages/network";
import Registries from "../pages/registries";
import ResourcePage from "../pages/resourcepage";
import Rollouts from "../pages/rollouts";
import Rules from "../pages/rules";
import Security from "../pages/security";
import Settings from "../pages/settings";
import Sinks from "../pages/sinks";
import Start from "../pages/start";
import SwitchRole from "../pages/switchrole";
import Units from "../pages/units";
import Usage from "../pages/usage";
import Vulnerabilities from "../pages/vulnerabilities";
import type { Key } from "../text";

export interface PageDefinition {
  path: string;
  title: Key;
  /** The part of the navigation it stands in; none for pages that others lead to. */
  section?: Key;
  page: ComponentType;
}

/**
 * Every page. They come in one bundle with what nearly all of them show:
 * asking for it in pieces takes a browser longer than reading it whole. What is
 * large and seldom shown, the drawing of charts and the calendar, comes apart.
 */
export const pages: PageDefinition[] = [
  { path: "/dashboard", title: "nav.dashboard", page: Dashboard },
  { path: "/findings/vulnerabilities", title: "nav.byVulnerability", section: "nav.findings", page: ByVulnerability },
  { path: "/findings/accounts", title: "nav.byAccount", section: "nav.findings", page: ByAccount },
  { path: "/findings/units", title: "nav.byUnit", section: "nav.findings", page: Units },
  { path: "/findings/instances", title: "nav.byInstance", section: "nav.findings", page: ByInstance },
  { path: "/findings/images", title: "nav.byImage", section: "nav.findings", page: ByImage },
  { path: "/findings/repositories", title: "nav.byRepository", section: "nav.findings", page: ByRepository },
  { path: "/findings/layers", title: "nav.byLayer", section: "nav.findings", page: ByLayer },
  { path: "/findings/functions", title: "nav.byFunction", section: "nav.findings", page: ByFunction },
  { path: "/findings/packages", title: "nav.byPackage", section: "nav.findings", page: ByPackage },
  { path: "/findings", title: "nav.all", section: "nav.findings", page: Findings },
  { path: "/finding", title: "finding.title", page: Finding },
  { path: "/rules", title: "nav.rules", section: "nav.findings", page: Rules },
  { path: "/vulnerabilities", title: "nav.vulnerabilities", section: "nav.findings", page: Vulnerabilities },
  { path: "/components", title: "nav.components", section: "nav.findings", page: Components },
  { path: "/network", title: "nav.network", section: "nav.findings", page: Network },
  { path: "/exports", title: "nav.exports", section: "nav.findings", page: Exports },
  { path: "/coverage", title: "nav.coverage", page: Coverage },
  { path: "/resource", title: "resource.title", page: ResourcePage },
  { path: "/start", title: "nav.start", section: "nav.setUp", page: Start },
  { path: "/doctor", title: "nav.doctor", section: "nav.setUp", page: Doctor },
  { path: "/delegate", title: "nav.delegate", section: "nav.setUp", page: Delegate },
  { path: "/accounts", title: "nav.accounts", section: "nav.setUp", page: Accounts },
  { path: "/rollouts", title: "nav.rollouts", section: "nav.setUp", page: Rollouts },
  { path: "/settings", title: "nav.settings", section: "nav.setUp", page: Settings },
  { path: "/usage", title: "nav.usage", section: "nav.operation", page: Usage },
  { path: "/feeds", title: "nav.feeds", section: "nav.operation", page: Feeds },
  { path: "/agents", title: "nav.agents", section: "nav.operation", page: Agents },
  { path: "/registries", title: "nav.registries", section: "nav.operation", page: Registries },
  { path: "/code", title: "nav.code", section: "nav.operation", page: Code },
  { path: "/destinations", title: "nav.sinks", section: "nav.operation", page: Sinks },
  { path: "/jobs", title: "jobs.title", section: "nav.operation", page: Jobs },
  { path: "/audit", title: "nav.audit", section: "nav.operation", page: Audit },
  { path: "/security", title: "nav.security", page: Security },
  { path: "/switch-role", title: "role.switch", page: SwitchRole },
];
