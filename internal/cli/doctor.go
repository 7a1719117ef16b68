package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"muster/internal/cli/command"
	"muster/internal/client"

	"github.com/spf13/cobra"
)

// The exit codes of muster doctor beside 0 (healthy) and 2 (wrong usage).
const (
	exitFindings = 1
	// exitUnknown: the diagnosis could not be made.
	exitUnknown = 3
)

func newDoctor() *cobra.Command {
	var (
		r              command.Remote
		regions, types string
		in             client.DiagnoseInput
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Name the missing step of an organization's set-up, with the command that mends it",
		Long: `Asks a server what is missing for Inspector to work in an organization: trusted access, permissions,
the delegated administrator and its designation in each Region, members, scan types, automatic enabling,
limits, stuck transitions, advisories. Every problem comes with the AWS CLI command that mends it and the
account that has to run it. The management account and the delegated administrator may ask; an account
without an organization gets a diagnosis of itself.

Credentials, Region and endpoint are the AWS CLI's: flags, environment, or a profile. Without --regions it
looks at the Regions in use and the one it asks in.

Exit codes: 0 healthy, 1 something is to be mended, 2 wrong usage, 3 the server could not be asked.`,
		Example: `  muster doctor --profile management
  muster doctor --regions us-east-1,eu-west-1 --types EC2,ECR --format json
  AWS_ENDPOINT_URL=https://muster.example.com muster doctor --all-regions`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			in.Regions, in.ResourceTypes = command.List(regions), command.ScanTypes(types)
			d, err := diagnose(cmd.Context(), c, in)
			if err != nil {
				return unknown(cmd.ErrOrStderr(), command.InvalidInput(err))
			}
			decorate(d, c, r.Options)
			if r.Format == "json" {
				err = command.PrintJSON(cmd.OutOrStdout(), d)
			} else {
				err = printDiagnosis(cmd.OutOrStdout(), d)
			}
			if err == nil && problems(d) > 0 {
				err = command.Silent(exitFindings)
			}
			return err
		},
	}
	r.Flags(cmd)
	f := cmd.Flags()
	f.StringVar(&regions, "regions", "", "Regions to look at, separated by commas")
	f.BoolVar(&in.AllRegions, "all-regions", false, "look at every Region of the installation")
	f.StringVar(&types, "types", "", "scan types that should be on (default: what the administrator has on or switches on for newcomers)")
	f.StringVar(&in.DelegatedAdminAccountID, "administrator", "", "account to suggest as the delegated administrator while there is none")
	return cmd
}

// unknown tells findings from a diagnosis that could not be made.
func unknown(w io.Writer, err error) error {
	if command.WrongUsage(err) {
		return err
	}
	fmt.Fprintf(w, "muster: %v\n", err)
	return command.Silent(exitUnknown)
}

// diagnose reads all pages.
func diagnose(ctx context.Context, c *client.Client, in client.DiagnoseInput) (*client.Diagnosis, error) {
	var whole *client.Diagnosis
	for {
		var page client.Diagnosis
		if err := c.Call(ctx, "DiagnoseOrganization", in, &page); err != nil {
			return nil, err
		}
		if whole == nil {
			whole = &page
		} else {
			whole.Regions = append(whole.Regions, page.Regions...)
		}
		if in.NextToken = page.NextToken; in.NextToken == "" {
			whole.NextToken = ""
			return whole, nil
		}
	}
}

// decorate completes the commands, so that they run as they stand: with the
// server's address and, where they are the caller's own, the profile.
func decorate(d *client.Diagnosis, c *client.Client, o client.Options) {
	each := func(list []client.Problem) {
		for _, p := range list {
			for i := range p.Remedies {
				m := &p.Remedies[i]
				if !strings.HasPrefix(m.Command, "aws ") && !strings.HasPrefix(m.Command, "muster rollout ") {
					continue
				}
				m.Command += " --endpoint-url " + c.Endpoint()
				if !strings.Contains(m.Command, " --region ") {
					m.Command += " --region " + c.Region()
				}
				if o.Profile != "" && m.AccountID == d.AccountID {
					m.Command += " --profile " + o.Profile
				}
			}
		}
	}
	each(d.Problems)
	for _, r := range d.Regions {
		each(r.Problems)
	}
}

// problems counts what is to be mended.
func problems(d *client.Diagnosis) (n int) {
	count := func(list []client.Problem) {
		for _, p := range list {
			if p.Severity != "INFO" {
				n++
			}
		}
	}
	count(d.Problems)
	for _, r := range d.Regions {
		count(r.Problems)
	}
	return n
}

func printDiagnosis(w io.Writer, d *client.Diagnosis) error {
	p := &printer{w: w}
	switch d.Standing {
	case "STANDALONE":
		p.line("Account %s, in no organization", d.AccountID)
	case "MANAGEMENT":
		p.line("Organization %s, asked by its management account %s", d.OrganizationID, d.AccountID)
	default:
		p.line("Organization %s of management account %s, asked by the delegated administrator %s", d.OrganizationID, d.ManagementAccountID, d.AccountID)
	}
	p.problems(d.Problems)
	for _, r := range d.Regions {
		p.line("\n%s%s", r.Region, place(d, r))
		if len(r.Problems) == 0 {
			p.line("  OK")
		}
		p.problems(r.Problems)
	}
	switch n := problems(d); n {
	case 0:
		p.line("\nHealthy.")
	case 1:
		p.line("\n1 problem.")
	default:
		p.line("\n%d problems. Mend the first one first: others may follow from it.", n)
	}
	return p.err
}

func place(d *client.Diagnosis, r client.RegionDiagnosis) string {
	switch {
	case d.Standing == "STANDALONE":
		return ""
	case r.DelegatedAdminAccountID == "":
		return ": no delegated administrator"
	}
	return fmt.Sprintf(": delegated administrator %s, %d of %d other accounts are members", r.DelegatedAdminAccountID, r.MemberCount, r.AccountCount-1)
}

// printer keeps the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// who runs a command, in words.
var who = map[string]string{
	"MANAGEMENT": "the management account", "DELEGATED_ADMINISTRATOR": "the delegated administrator",
	"ACCOUNT": "the account itself", "OPERATOR": "the operator of the server",
}

func (p *printer) problems(list []client.Problem) {
	for _, problem := range list {
		p.line("  %-7s %s", problem.Severity, problem.Code)
		for _, line := range wrap(problem.Explanation, 100) {
			p.line("          %s", line)
		}
		last := ""
		for _, m := range problem.Remedies {
			by := "as " + m.AccountID + ", " + who[m.Role]
			if m.AccountID == "" {
				by = "as " + who[m.Role]
			}
			if by != last {
				p.line("          %s:", by)
			}
			last = by
			p.line("            %s", m.Command)
		}
	}
}

// wrap breaks a text into lines of a width where it can.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
