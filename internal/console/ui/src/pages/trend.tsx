import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import MixedLineBarChart from "@cloudscape-design/components/mixed-line-bar-chart";
import { GetFindingTrend, type TrendDay } from "../api/muster";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { useText } from "../text";

const asked = 30;

/** As many days as are asked for: those before the first known one are there, with nothing drawn. */
function padded(known: TrendDay[]): TrendDay[] {
  const [first] = known;
  if (!first) return [];
  const before = Array.from({ length: Math.max(0, asked - known.length) }, (_, i): TrendDay => ({ ...first, begin: first.begin - (i + 1) * 86_400, opened: 0, closed: 0, open: 0, severeOpen: 0 }));
  return [...before.reverse(), ...known];
}

/** Day by day: what was found, what was closed, and what stayed open. */
export default function Trend() {
  const { t, number, language } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(GetFindingTrend, { days: asked }, signal)).days, [client]);
  const days = padded(found.value ?? []);
  const short = new Intl.DateTimeFormat(language, { month: "numeric", day: "numeric", timeZone: "UTC" });
  const labels = days.map((d) => short.format(d.begin * 1000));
  // Few enough labels to be read at phone width, the last of them today's.
  const every = Math.ceil(days.length / 6);
  const labelled = new Set(labels.filter((_, i) => (labels.length - 1 - i) % every === 0));
  const points = (of: (d: TrendDay) => number) => days.flatMap((d, i) => (known.has(d.begin) ? [{ x: labels[i], y: of(d) }] : []));
  const known = new Set((found.value ?? []).map((d) => d.begin));
  const series = [
    { title: t("trend.opened"), type: "bar" as const, data: points((d) => d.opened) },
    { title: t("trend.closed"), type: "bar" as const, data: points((d) => d.closed) },
    { title: t("trend.open"), type: "line" as const, data: points((d) => d.open) },
    { title: t("trend.severe"), type: "line" as const, data: points((d) => d.severeOpen) },
  ];
  const most = Math.max(1, ...days.flatMap((d) => [d.open, d.opened, d.closed]));
  return (
    <Container header={<Header variant="h2" description={t("trend.help")}>{t("trend.title")}</Header>}>
      <Problem error={found.error} again={found.again} />
      <MixedLineBarChart
        ariaLabel={t("trend.title")}
        ariaDescription={t("trend.help")}
        height={220}
        hideFilter
        xScaleType="categorical"
        xDomain={labels}
        yDomain={[0, most]}
        xTickFormatter={(x) => (labelled.has(String(x)) ? String(x) : "")}
        yTickFormatter={(n) => number(n)}
        series={series.map((s) => ({ ...s, valueFormatter: (n: number) => number(n) }))}
        statusType={found.loading && !found.value ? "loading" : "finished"}
        loadingText={t("app.loading")}
        i18nStrings={{ chartAriaRoleDescription: t("trend.title"), xTickFormatter: (x) => String(x), xAxisAriaRoleDescription: t("trend.days"), yAxisAriaRoleDescription: t("trend.count") }}
        empty={t("finding.none")}
      />
    </Container>
  );
}
