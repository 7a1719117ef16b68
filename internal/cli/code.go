package cli

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"muster/internal/cli/command"
	"muster/internal/extract"
	"muster/internal/extract/lockfile"

	"github.com/spf13/cobra"
)

func newCode() *cobra.Command {
	var r command.Remote
	cmd := command.Group("code", "Bring code repositories to be scanned",
		`Brings single repositories: from any Git server by their address, or as an uploaded folder. Those of a GitLab or GitHub
come with integrations: see aws inspector2 create-code-security-integration. What a repository is at is looked at from time to
time, and when a notice comes with the notificationToken that "add" prints once.`,
		`  muster code add shop --url https://git.example.com/shop.git --token-file token.txt
  muster code upload shop . --commit "$(git rev-parse HEAD)"
  muster code list
  muster code delete PROJECT-ID`)
	r.Flags(cmd)
	cmd.AddCommand(newAddRepository(&r), newUploadTree(&r),
		r.Simple("list", "List all repositories, with the ids that scan configurations need", "ListCodeRepositories"),
		r.Simple("delete PROJECT-ID", "Delete a repository that was added or uploaded; its findings close", "DeleteCodeRepository", "projectId"))
	return cmd
}

func newAddRepository(r *command.Remote) *cobra.Command {
	var address, user, tokenFile, branch string
	cmd := &cobra.Command{Use: "add NAME --url URL", Short: "Bring a repository of a Git server", Args: command.OneArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if address == "" {
				return command.Usage(errors.New("--url is missing: where Git fetches the repository"))
			}
			in := map[string]any{"name": args[0], "url": address}
			for member, value := range map[string]string{"username": user, "branch": branch} {
				if value != "" {
					in[member] = value
				}
			}
			if tokenFile != "" {
				token, err := command.ReadSecret(cmd, tokenFile)
				if err != nil {
					return err
				}
				in["token"] = token
			}
			return r.Raw(cmd, "CreateCodeRepository", in)
		}}
	f := cmd.Flags()
	f.StringVar(&address, "url", "", "where Git fetches it, such as https://git.example.com/shop.git (required)")
	f.StringVar(&user, "username", "", "user of the Git server, where the token needs one")
	f.StringVar(&tokenFile, "token-file", "", "file with the token or password, - for standard input")
	f.StringVar(&branch, "branch", "", "branch to scan (default the repository's)")
	return cmd
}

func newUploadTree(r *command.Remote) *cobra.Command {
	var commit string
	cmd := &cobra.Command{Use: "upload NAME FOLDER", Short: "Bring a source tree, or a newer state of one", Args: command.Exactly(2, "NAME FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			file, err := os.CreateTemp("", "muster-tree-*.zip")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
			if err := errors.Join(packTree(cmd.Context(), args[1], file), file.Close()); err != nil {
				return command.Usage(err)
			}
			in := map[string]any{"name": args[0]}
			if commit != "" {
				in["commitId"] = commit
			}
			return send(r, cmd, "PutCodeRepositoryTree", file.Name(), in)
		}}
	cmd.Flags().StringVar(&commit, "commit", "", "commit that the folder is at (default a digest of what is sent)")
	return cmd
}

// packTree writes those files of a folder to an archive that say something
// about packages. Links are left alone, and Git's own folder.
func packTree(ctx context.Context, folder string, to io.Writer) error {
	how := extract.Options{Paths: []string{"."}, More: lockfile.Kinds()}
	wanted, z := how.Wanted(), zip.NewWriter(to)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || !wanted(name):
			return nil
		}
		return packFile(root, z, name)
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", folder, err)
	}
	return errors.Join(err, z.Close(), root.Close())
}

func packFile(root *os.Root, z *zip.Writer, name string) (err error) {
	in, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}
