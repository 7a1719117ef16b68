package networkcmd

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"muster/internal/cli/command"
	"muster/internal/client"
	"muster/internal/network/facts"

	"github.com/spf13/cobra"
)

func newUpload() *cobra.Command {
	var r command.Remote
	var dir, account string
	cmd := &cobra.Command{
		Use:   "upload",
		Short: "Give a server the facts, so that it finds what is exposed and answers questions about them",
		Long: `Sends describe answers to the server, which replaces what it knew of the same account and Region, works out what can
be reached and keeps the network findings up to date. Facts are those of the caller's account and of the Region that
calls go to, unless folders named after accounts and Regions say otherwise, or --account does. A delegated
administrator may tell the facts of its members.

Exit codes:
  0  the server has the facts
  1  the facts could not be read, or the server refused them
  2  wrong usage`,
		Example: `  muster network upload --facts facts --profile security --region eu-west-1
  muster network upload --facts organization        # organization/111122223333/eu-west-1/Subnets.json …`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return command.Usage(errors.New("--facts is required: a folder of describe answers, or one file of them"))
			}
			c, err := r.Open(cmd)
			if at := folderRegion(dir); err != nil && r.Options.Region == "" && at != "" {
				r.Options.Region = at
				c, err = r.Open(cmd)
			}
			if err != nil {
				return err
			}
			return uploadFacts(cmd.Context(), cmd.OutOrStdout(), c, dir, account, r.Format)
		},
	}
	r.Flags(cmd)
	cmd.Flags().StringVar(&dir, "facts", "", "folder or file of describe answers (required)")
	cmd.Flags().StringVar(&account, "account", "", "account whose facts they are (default the folders', else the caller's)")
	return cmd
}

// factFiles are the files of one account and Region.
type factFiles struct {
	facts.Scope
	names []string
}

// factFolders sorts the files of a folder by the accounts and Regions that their
// names tell of.
func factFolders(dir string) (fs.FS, []factFiles, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil, err
	}
	root, base := dir, filepath.ToSlash(filepath.Base(dir))
	if !info.IsDir() {
		root = filepath.Dir(dir)
		return os.DirFS(root), []factFiles{{facts.PlaceOf(base), []string{base}}}, nil
	}
	found := map[facts.Scope][]string{}
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && path.Ext(name) == ".json" {
			at := facts.PlaceOf(path.Join(base, name))
			found[at] = append(found[at], name)
		}
		return err
	})
	var all []factFiles
	for at, names := range found {
		all = append(all, factFiles{at, names})
	}
	slices.SortFunc(all, func(a, b factFiles) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s holds no .json file", dir)
	}
	return os.DirFS(root), all, err
}

// folderRegion is a Region that a folder of facts tells of, for callers who
// have none of their own.
func folderRegion(dir string) string {
	_, all, err := factFolders(dir)
	if err != nil {
		return ""
	}
	for _, f := range all {
		if f.Region != "" {
			return string(f.Region)
		}
	}
	return ""
}

func uploadFacts(ctx context.Context, w io.Writer, c *client.Client, dir, account, format string) error {
	fsys, all, err := factFolders(dir)
	if err != nil {
		return err
	}
	var done []client.NetworkSnapshot
	for _, f := range all {
		n, err := uploadScope(ctx, c, fsys, f, cmp.Or(account, string(f.Account)))
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(string(f.Account), string(f.Region), path.Base(filepath.ToSlash(dir))), err)
		}
		done = append(done, *n)
		if format == "text" {
			if err := tellSnapshot(w, n); err != nil {
				return err
			}
		}
	}
	if format == "json" {
		return command.PrintJSON(w, done)
	}
	return nil
}

func tellSnapshot(w io.Writer, n *client.NetworkSnapshot) error {
	_, err := fmt.Fprintf(w, "%s %s: %d VPCs, %d interfaces, %d instances\n", n.AccountID, n.Region, n.VPCs, n.Interfaces, n.Instances)
	return err
}

// partSize is how much of a file one call carries, compressed. Requests are
// JSON, which makes a third more of it.
const partSize = 4 << 20

// uploadScope sends the files of one account and Region, compressed and in as
// few calls as their size allows; the last one puts them in force together.
func uploadScope(ctx context.Context, c *client.Client, fsys fs.FS, f factFiles, account string) (*client.NetworkSnapshot, error) {
	upload := client.UploadNetworkFactsInput{
		AccountID: account, Region: string(f.Region), Incomplete: true,
		UploadID: fmt.Sprintf("cli-%d", time.Now().UnixNano()),
	}
	var out client.UploadNetworkFactsOutput
	size := 0
	for _, name := range f.names {
		body, err := compressed(fsys, name)
		if err != nil {
			return nil, err
		}
		for part := 0; part == 0 || len(body) > 0; part++ {
			n := min(partSize, len(body))
			if size += n; size > partSize {
				if err := c.Call(ctx, "UploadNetworkFacts", &upload, &out); err != nil {
					return nil, err
				}
				upload.Files, size = nil, n
			}
			upload.Files = append(upload.Files, client.NetworkFile{Name: name, Part: part, Content: body[:n]})
			body = body[n:]
		}
	}
	upload.Incomplete = false
	if err := c.Call(ctx, "UploadNetworkFacts", &upload, &out); err != nil {
		return nil, err
	}
	if out.Snapshot == nil {
		return nil, errors.New("the server did not say what it stored")
	}
	return out.Snapshot, nil
}

func compressed(fsys fs.FS, name string) ([]byte, error) {
	body, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
