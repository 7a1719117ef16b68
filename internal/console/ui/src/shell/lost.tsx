import Header from "@cloudscape-design/components/header";
import { useText } from "../text";

export function Lost() {
  const { t } = useText();
  return <Header variant="h1" description={t("app.notFoundBody")}>{t("app.notFound")}</Header>;
}
