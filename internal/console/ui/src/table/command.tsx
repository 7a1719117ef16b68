import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Popover from "@cloudscape-design/components/popover";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useSigned } from "../session/context";
import { useText } from "../text";
import { type Asked, command } from "./cli";

/** The command that asks for what a page shows, to be copied. */
export function Command({ asked }: { asked: Asked }) {
  const { t } = useText();
  const { session } = useSigned();
  const line = command(asked, session.region, location.origin);
  return (
    <Popover
      triggerType="custom"
      size="large"
      header={t("command.title")}
      dismissAriaLabel={t("do.close")}
      content={
        <SpaceBetween size="xs">
          <div>{t("command.help")}</div>
          <Box variant="code"><span lang="en" className="value">{line}</span></Box>
          <CopyToClipboard copyButtonText={t("do.copy")} copySuccessText={t("do.copied")} copyErrorText={t("do.notCopied")} textToCopy={line} />
        </SpaceBetween>
      }
    >
      <Button iconName="script" ariaLabel={t("command.title")} />
    </Popover>
  );
}
