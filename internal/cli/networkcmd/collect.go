package networkcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/cli/command"
	"muster/internal/collect"
	"muster/internal/collect/query"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newCollect() *cobra.Command {
	var c collection
	cmd := &cobra.Command{
		Use:   "collect --out DIR",
		Short: "Read the facts from AWS: once into a folder, or by a server all the time",
		Long: `With --out, asks AWS with the credentials of the environment, as AWS's own tools do, and writes a folder of describe
answers that the other commands read. Nothing is changed in AWS; only describe, get, list and search calls are made.

With --role, the role is assumed in each account of --accounts, or with --organization in each active account of the
organization. Calls are paced when AWS throttles.

The commands below have a server do the same at an interval and keep the findings up to date.

Exit codes:
  0  everything was read
  1  nothing could be read, or not of all accounts and Regions; what could is in the folder
  2  wrong usage
  3  all was read but single calls, which are named`,
		Example: `  muster network collect --out facts --regions eu-west-1,us-east-1
  muster network collect --out facts --organization --role audit/network-reader --regions all
  muster network collect create --name all --role network-reader --access-key-id AKIA… --secret-key-file key.txt
  muster network collect status`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.out, "out", "", "folder to write to (required)")
	flags.StringVar(&c.profile, "aws-profile", "", "profile of AWS's configuration files")
	flags.StringVar(&c.regions, "regions", "", `Regions, separated by commas, or "all" that the account has switched on (default the environment's)`)
	flags.StringVar(&c.accounts, "accounts", "", "accounts in which the role is assumed, separated by commas")
	flags.BoolVar(&c.organization, "organization", false, "assume the role in all accounts of the organization")
	flags.StringVar(&c.role.Name, "role", "", "name of the role, with its path")
	flags.StringVar(&c.role.ExternalID, "external-id", "", "external id that the role asks for")
	flags.StringVar(&c.endpoint, "aws-endpoint", "", "address to ask in place of AWS's own")
	cmd.AddCommand(collectorCommands()...)
	return cmd
}

// collection is a look at AWS by command.
type collection struct {
	out, profile, regions, accounts, endpoint string
	organization                              bool
	role                                      collect.Role
}

// atATime is how many accounts and Regions are looked at at once.
const atATime = 4

func (c *collection) run(ctx context.Context, w io.Writer) error {
	if c.out == "" {
		return command.Usage(errors.New("--out is required: a folder to write to"))
	}
	if (c.accounts != "" || c.organization) && c.role.Name == "" {
		return command.Usage(errors.New("--accounts and --organization need --role, the role to assume in each account"))
	}
	for _, a := range command.List(c.accounts) {
		if !arn.AccountID(a).Valid() {
			return command.Usage(fmt.Errorf("--accounts: %q is no account id", a))
		}
	}
	with, region, err := collect.Ambient(ctx, c.profile)
	if err != nil {
		return err
	}
	first := arn.Region(firstOf(c.regions, string(region)))
	if first == "" {
		return command.Usage(errors.New("--regions is required: the environment names no Region"))
	}
	o := query.Options{Credentials: with, Region: string(first), Endpoint: c.endpoint}
	targets, err := c.targets(ctx, o)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	incomplete, failed := 0, 0
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(atATime)
	for _, t := range targets {
		group.Go(func() error {
			text, failures, err := c.one(running, o, t)
			lock.Lock()
			defer lock.Unlock()
			if incomplete += failures; err != nil {
				failed++
				text = fmt.Sprintf("%s %s: %v\n", t.account, t.region, err)
			}
			_, err = io.WriteString(w, text)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %d accounts and Regions could not be read", failed, len(targets))
	case incomplete > 0:
		return command.Exit(exitOtherwise, fmt.Sprintf("%d calls were not answered", incomplete))
	}
	return nil
}

func firstOf(list, other string) string {
	first, _, _ := strings.Cut(list, ",")
	if first == "all" {
		first = cmp.Or(other, "us-east-1")
	}
	return cmp.Or(strings.TrimSpace(first), other)
}

// lookAt is one account in one Region, and what signs the calls.
type lookAt struct {
	account arn.AccountID
	region  arn.Region
	with    collect.Credentials
}

// targets are all that is to be looked at.
func (c *collection) targets(ctx context.Context, o query.Options) ([]lookAt, error) {
	own, err := collect.Whose(ctx, o)
	if err != nil {
		return nil, err
	}
	accounts := []arn.AccountID{own}
	if c.accounts != "" {
		accounts = nil
		for _, a := range command.List(c.accounts) {
			accounts = append(accounts, arn.AccountID(a))
		}
	} else if c.organization {
		if accounts, err = collect.Accounts(ctx, o); err != nil {
			return nil, err
		}
	}
	c.role.Session = "muster-" + string(own)
	var all []lookAt
	for _, a := range accounts {
		with := o.Credentials
		if c.role.Name != "" {
			with = collect.Assume(o.Credentials, &c.role, a, o)
		}
		regions, err := c.regionsOf(ctx, o, with)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", a, err)
		}
		for _, r := range regions {
			all = append(all, lookAt{a, r, with})
		}
	}
	return all, nil
}

func (c *collection) regionsOf(ctx context.Context, o query.Options, with collect.Credentials) ([]arn.Region, error) {
	if c.regions == "all" {
		o.Credentials = with
		return collect.Regions(ctx, o)
	}
	var out []arn.Region
	for _, r := range command.List(cmp.Or(c.regions, o.Region)) {
		out = append(out, arn.Region(r))
	}
	return out, nil
}

// one looks at one account in one Region and writes what it tells.
func (c *collection) one(ctx context.Context, o query.Options, t lookAt) (text string, failures int, err error) {
	o.Credentials, o.Region = t.with, string(t.region)
	got, err := collect.Collect(ctx, o)
	if err != nil {
		return "", 0, err
	}
	dir := filepath.Join(c.out, string(t.account), string(t.region))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", 0, err
	}
	record, err := got.Record(time.Now())
	if err != nil {
		return "", 0, err
	}
	for _, f := range append(got.Files[:len(got.Files):len(got.Files)], record) {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			return "", 0, err
		}
	}
	text = fmt.Sprintf("%s %s: %d answers\n", t.account, t.region, len(got.Files))
	for _, f := range got.Failures {
		text += "  not answered: " + f.Err.Error() + "\n"
	}
	return text, len(got.Failures), nil
}
