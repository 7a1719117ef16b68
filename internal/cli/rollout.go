package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"muster/internal/cli/command"
	"muster/internal/client"

	"github.com/spf13/cobra"
)

func newRollout() *cobra.Command {
	var r command.Remote
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Switch scanning on or off for a whole organization in one call",
		Long: `Switches scan types on or off for the accounts of an organization, a unit or a selection, in one Region,
several or all, without a limit of a hundred accounts. The delegated administrator of a Region gives the
order there; accounts that are not its members yet are associated first. What cannot be done, for a type,
an account or a Region, is reported and fails nothing else.

Exit codes: 0 all was done, 1 something failed, 2 wrong usage.`,
		Args: command.NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.Flags(cmd)
	cmd.AddCommand(newRolloutStart(&r, "enable", "Switch scan types on"), newRolloutStart(&r, "disable", "Switch scan types off"),
		newRolloutStatus(&r), newRolloutList(&r), newRolloutResults(&r), newRolloutCancel(&r))
	return cmd
}

// selection are the flags that say which accounts are meant.
type selection struct{ accounts, units, tags, name, states string }

func (s *selection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.accounts, "accounts", "", "ids of accounts, separated by commas, or @FILE with one a line")
	f.StringVar(&s.units, "units", "", "ids of organizational units or the root; what lies below counts, too")
	f.StringVar(&s.tags, "tags", "", "tags that accounts carry, KEY=VALUE separated by commas")
	f.StringVar(&s.name, "name", "", "pattern of account names, with * and ?")
	f.StringVar(&s.states, "states", "", "states of accounts (default ACTIVE)")
}

// target is what the flags mean; nil is the whole organization.
func (s *selection) target() (*client.Target, error) {
	if *s == (selection{}) {
		return nil, nil
	}
	t := &client.Target{ParentIDs: command.List(s.units), NamePattern: s.name, States: command.List(strings.ToUpper(s.states))}
	ids := s.accounts
	if name, ok := strings.CutPrefix(ids, "@"); ok {
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, command.Usage(err)
		}
		ids = strings.Join(strings.Fields(string(body)), ",")
	}
	if t.AccountIDs = command.List(ids); s.accounts != "" && len(t.AccountIDs) == 0 {
		return nil, command.Usage(errors.New("--accounts names no account"))
	}
	for _, tag := range command.List(s.tags) {
		key, value, ok := strings.Cut(tag, "=")
		if !ok {
			return nil, command.Usage(fmt.Errorf("--tags: %q is not KEY=VALUE", tag))
		}
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		t.Tags[key] = value
	}
	return t, nil
}

func newRolloutStart(r *command.Remote, action, short string) *cobra.Command {
	var (
		in              client.StartRolloutInput
		regions, types  string
		who             selection
		detach, noAssoc bool
	)
	cmd := &cobra.Command{
		Use:   action,
		Short: short,
		Example: fmt.Sprintf(`  muster rollout %[1]s --profile audit --types EC2,ECR,LAMBDA
  muster rollout %[1]s --types EC2 --units ou-abcd-11111111 --all-regions
  muster rollout %[1]s --types EC2 --tags env=prod --name 'web-*' --regions us-east-1,eu-west-1`, action),
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			in.Action, in.Regions, in.ResourceTypes = strings.ToUpper(action), command.List(regions), command.ScanTypes(types)
			if len(in.ResourceTypes) == 0 {
				return command.Usage(errors.New("--types is needed, for example --types EC2,ECR,LAMBDA"))
			}
			if in.Target, err = who.target(); err != nil {
				return err
			}
			if noAssoc {
				in.Associate = new(false)
			}
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			var out client.RolloutOutput
			if err := c.Call(cmd.Context(), "StartRollout", in, &out); err != nil {
				return command.InvalidInput(err)
			}
			if detach {
				return showRollout(cmd, r.Format, out.Rollout)
			}
			return follow(cmd, c, r.Format, out.Rollout)
		},
	}
	f := cmd.Flags()
	f.StringVar(&types, "types", "", "scan types: EC2, ECR, LAMBDA, LAMBDA_CODE, CODE_REPOSITORY")
	f.StringVar(&regions, "regions", "", "Regions, separated by commas (default the one asked in)")
	f.BoolVar(&in.AllRegions, "all-regions", false, "every Region of the installation")
	f.StringVar(&in.ClientToken, "client-token", "", "repeating a command with the same token within a day starts nothing anew")
	f.BoolVar(&detach, "detach", false, "do not wait for the end")
	if action == "enable" {
		f.BoolVar(&noAssoc, "no-associate", false, "leave accounts alone that are not members")
	}
	who.flags(cmd)
	return cmd
}

// follow waits for the end of an order and tells how far it has come.
func follow(cmd *cobra.Command, c *client.Client, format string, o client.Rollout) error {
	told, pause := "", 50*time.Millisecond
	for o.Status == "IN_PROGRESS" {
		if now := progress(o); now != told {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", o.RolloutID, now)
			told = now
		}
		select {
		case <-cmd.Context().Done():
			fmt.Fprintf(cmd.ErrOrStderr(), "The rollout goes on: muster rollout status %s\n", o.RolloutID)
			return context.Cause(cmd.Context())
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
		var out client.RolloutOutput
		if err := c.Call(cmd.Context(), "GetRollout", client.RolloutID{RolloutID: o.RolloutID}, &out); err != nil {
			return err
		}
		o = out.Rollout
	}
	if err := showRollout(cmd, format, o); err != nil {
		return err
	}
	if o.Status == "SUCCEEDED" {
		return nil
	}
	if format == "text" {
		if err := showFailures(cmd, c, o); err != nil {
			return err
		}
	}
	return command.Silent(1)
}

func progress(o client.Rollout) string {
	done, all := 0, 0
	for _, r := range o.Regions {
		if r.Status != "REFUSED" {
			done, all = done+r.Processed, all+o.AccountCount
		}
	}
	return fmt.Sprintf("%d of %d", done, all)
}

func showRollout(cmd *cobra.Command, format string, o client.Rollout) error {
	if format == "json" {
		return command.PrintJSON(cmd.OutOrStdout(), o)
	}
	p := &printer{w: cmd.OutOrStdout()}
	p.line("%s: %s %s for %d accounts: %s", o.RolloutID, strings.ToLower(o.Action), strings.Join(o.ResourceTypes, ", "), o.AccountCount, o.Status)
	for _, r := range o.Regions {
		text := fmt.Sprintf("%d succeeded, %d failed", r.Succeeded, r.Failed)
		if r.ErrorCode != "" {
			text += ", " + r.ErrorCode + ": " + r.ErrorMessage
		}
		p.line("  %-15s %-23s %s", r.Region, r.Status, text)
	}
	return p.err
}

// shownFailures bounds what is printed at the end of an order.
const shownFailures = 20

func showFailures(cmd *cobra.Command, c *client.Client, o client.Rollout) error {
	var page client.Results
	in := client.ResultsInput{RolloutID: o.RolloutID, OnlyFailed: true}
	if err := c.Call(cmd.Context(), "ListRolloutResults", in, &page); err != nil {
		return err
	}
	if len(page.Results) == 0 {
		return nil
	}
	p := &printer{w: cmd.OutOrStdout()}
	p.line("Failures:")
	for _, r := range page.Results[:min(shownFailures, len(page.Results))] {
		p.result(r)
	}
	if len(page.Results) > shownFailures || page.NextToken != "" {
		p.line("  … all of them: muster rollout results --failed %s", o.RolloutID)
	}
	return p.err
}

func (p *printer) result(r client.Result) {
	parts := []string{}
	if r.Association != "" {
		parts = append(parts, "association "+r.Association)
	}
	if r.ErrorCode != "" {
		parts = append(parts, r.ErrorCode+" "+r.ErrorMessage)
	}
	for _, t := range r.Resources {
		text := t.ResourceType + " " + t.Outcome
		if t.ErrorCode != "" {
			text += " (" + t.ErrorCode + " " + t.ErrorMessage + ")"
		}
		if t.Status != "" {
			text += ", now " + t.Status
		}
		parts = append(parts, text)
	}
	p.line("  %-15s %s  %s", r.Region, r.AccountID, strings.Join(parts, "; "))
}

// oneID wants the id of an order.
func oneID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return command.Usage(fmt.Errorf("%s takes one rollout id", cmd.CommandPath()))
	}
	return nil
}

func newRolloutStatus(r *command.Remote) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "status ID", Short: "Tell how far a rollout has come", Args: oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			var out client.RolloutOutput
			if err := c.Call(cmd.Context(), "GetRollout", client.RolloutID{RolloutID: args[0]}, &out); err != nil {
				return command.InvalidInput(err)
			}
			if wait {
				return follow(cmd, c, r.Format, out.Rollout)
			}
			return showRollout(cmd, r.Format, out.Rollout)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the end")
	return cmd
}

func newRolloutCancel(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "End a rollout; what is done stays done", Args: oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			var out client.RolloutOutput
			if err := c.Call(cmd.Context(), "CancelRollout", client.RolloutID{RolloutID: args[0]}, &out); err != nil {
				return command.InvalidInput(err)
			}
			return showRollout(cmd, r.Format, out.Rollout)
		},
	}
}

func newRolloutList(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the account's rollouts of the last thirty days, the newest first", Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			all := client.Rollouts{Rollouts: []client.Rollout{}}
			for page := (client.Page{}); ; {
				var out client.Rollouts
				if err := c.Call(cmd.Context(), "ListRollouts", page, &out); err != nil {
					return err
				}
				all.Rollouts = append(all.Rollouts, out.Rollouts...)
				if page.NextToken = out.NextToken; page.NextToken == "" {
					break
				}
			}
			if r.Format == "json" {
				return command.PrintJSON(cmd.OutOrStdout(), all)
			}
			p := &printer{w: cmd.OutOrStdout()}
			for _, o := range all.Rollouts {
				p.line("%s  %s  %-7s %s  %d accounts, %d Regions  %s", o.RolloutID, time.UnixMilli(int64(o.CreatedAt*1000)).UTC().Format(time.RFC3339),
					strings.ToLower(o.Action), strings.Join(o.ResourceTypes, ","), o.AccountCount, len(o.Regions), o.Status)
			}
			return p.err
		},
	}
}

func newRolloutResults(r *command.Remote) *cobra.Command {
	var in client.ResultsInput
	cmd := &cobra.Command{
		Use: "results ID", Short: "Tell what became of every account of a rollout", Args: oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			in.RolloutID = args[0]
			p := &printer{w: cmd.OutOrStdout()}
			all := client.Results{Results: []client.Result{}}
			for {
				var out client.Results
				if err := c.Call(cmd.Context(), "ListRolloutResults", in, &out); err != nil {
					return command.InvalidInput(err)
				}
				if r.Format == "json" {
					all.Results = append(all.Results, out.Results...)
				}
				for _, result := range out.Results {
					if r.Format == "text" {
						p.result(result)
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == "" {
					break
				}
			}
			if r.Format == "json" {
				return command.PrintJSON(cmd.OutOrStdout(), all)
			}
			return p.err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&in.OnlyFailed, "failed", false, "failures only")
	f.StringVar(&in.Region, "only-region", "", "of one Region")
	f.StringVar(&in.AccountID, "account", "", "of one account")
	return cmd
}
