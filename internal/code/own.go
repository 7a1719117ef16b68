package code

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// CreateCodeRepository brings one repository by its address. It is scanned at
// once, and again when something was pushed to it. The token that notices have
// to carry is in the answer and nowhere else.
func (s *Service) CreateCodeRepository(ctx context.Context, call *awsmodel.Call, in *muster.CreateCodeRepositoryInput) (*muster.CreateCodeRepositoryOutput, error) {
	address, err := s.address(in.Url, "url", true)
	if err != nil {
		return nil, ours(err)
	}
	i := cellar.Integration{At: own(call), Name: in.Name, Kind: cellar.Git, URL: address, Status: cellar.InProgress, Reason: looksForProjects, Tags: in.Tags, CreatedAt: call.Time, UpdatedAt: call.Time}
	p := cellar.Project{At: own(call), Remote: address, Name: in.Name, CloneURL: address, Visibility: "private", Branch: value(in.Branch)}
	kept := secret{User: value(in.Username), Token: value(in.Token)}
	if err := s.insertOwn(ctx, call, &i, &p, kept); err != nil {
		return nil, ours(err)
	}
	stored, err := s.open(&i)
	return &muster.CreateCodeRepositoryOutput{Repository: new(show(&i, &p)), NotificationToken: stored.Notice}, err
}

// insertOwn stores an integration that leads to one project, with it.
func (s *Service) insertOwn(ctx context.Context, call *awsmodel.Call, i *cellar.Integration, p *cellar.Project, kept secret) error {
	return s.insert(ctx, i, kept, func(tx *store.Tx) error {
		p.ID, p.Integration = "project-"+newUUID(tx), i.ID
		return s.settle(ctx, tx, i, p, call.Time)
	})
}

// PutCodeRepositoryTree brings a source tree as an uploaded archive: a new
// repository, or one that was brought so before.
func (s *Service) PutCodeRepositoryTree(ctx context.Context, call *awsmodel.Call, in *muster.PutCodeRepositoryTreeInput) (*muster.PutCodeRepositoryTreeOutput, error) {
	inv, digest, err := s.config.Uploads.Tree(ctx, call, in.UploadId)
	if err != nil {
		return nil, err
	}
	inv.OS = inventory.OS{}
	inv.Sort()
	commit := value(in.CommitId)
	if commit == "" {
		commit = digest
	}
	i, p, err := s.uploaded(ctx, call, in)
	if err != nil {
		return nil, ours(err)
	}
	err = s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
		if p, err = cellar.LookupProject(ctx, tx, p.At, p.ID); err != nil {
			return err
		}
		p.Commit, p.Head, p.ScannedAt = commit, commit, call.Time
		scan := cellar.Scan{At: p.At, ID: newUUID(tx), Project: p.ID, Cause: cellar.Pushed, Status: cellar.Successful, Reason: scanned, Commit: commit, CreatedAt: call.Time, UpdatedAt: call.Time}
		if err := cellar.InsertScan(ctx, tx, scan, call.Time.Add(-scansKept)); err != nil {
			return err
		}
		if err := s.settle(ctx, tx, &i, &p, call.Time); err != nil {
			return err
		}
		if err := s.holds(ctx, tx, &p, &inv, call.Time); err != nil {
			return err
		}
		return s.config.Uploads.Used(ctx, tx, call, in.UploadId)
	})
	if err != nil {
		return nil, err
	}
	return &muster.PutCodeRepositoryTreeOutput{Repository: new(show(&i, &p)), Packages: int64(len(inv.Items))}, nil
}

// uploaded finds the repository of uploaded trees of a name, or makes it.
func (s *Service) uploaded(ctx context.Context, call *awsmodel.Call, in *muster.PutCodeRepositoryTreeInput) (i cellar.Integration, p cellar.Project, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		if i, err = cellar.IntegrationNamed(ctx, tx, own(call), in.Name); err != nil {
			return err
		}
		if i.Kind != cellar.Upload {
			return &inspector2.ConflictException{Message: "There is an integration or a repository named " + in.Name + " already, and it is no uploaded tree.", ResourceId: i.ID, ResourceType: "CodeRepository"}
		}
		p, err = cellar.ProjectOf(ctx, tx, i.At, i.ID, in.Name)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		return i, p, err
	}
	i = cellar.Integration{At: own(call), Name: in.Name, Kind: cellar.Upload, Status: cellar.Active, Reason: "Trees are uploaded.", Tags: in.Tags, CreatedAt: call.Time, UpdatedAt: call.Time}
	p = cellar.Project{At: own(call), Remote: in.Name, Name: in.Name, Visibility: "private"}
	return i, p, s.insertOwn(ctx, call, &i, &p, secret{})
}

// ListCodeRepositories lists all repositories of the caller, whatever brought
// them.
func (s *Service) ListCodeRepositories(ctx context.Context, call *awsmodel.Call, in *muster.ListCodeRepositoriesInput) (*muster.ListCodeRepositoriesOutput, error) {
	const op = "ListCodeRepositories"
	after, err := s.after(call, op, nil, in.NextToken)
	if err != nil {
		return nil, ours(err)
	}
	limit := size(in.MaxResults)
	out := &muster.ListCodeRepositoriesOutput{Repositories: []muster.CodeRepository{}}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		list, err := cellar.Projects(ctx, tx, own(call), after, limit+1)
		if err != nil {
			return err
		}
		list, out.NextToken = cut(s, call, op, nil, list, limit, func(p cellar.Project) string { return p.ID })
		known := map[string]cellar.Integration{}
		for k := range list {
			p := &list[k]
			i, ok := known[p.Integration]
			if !ok {
				if i, err = cellar.LookupIntegration(ctx, tx, p.At, p.Integration); err != nil {
					return fmt.Errorf("integration of %s: %w", p.ID, err)
				}
				known[p.Integration] = i
			}
			out.Repositories = append(out.Repositories, show(&i, p))
		}
		return nil
	})
	return out, err
}

// DeleteCodeRepository ends what CreateCodeRepository or PutCodeRepositoryTree
// began; its findings close.
func (s *Service) DeleteCodeRepository(ctx context.Context, call *awsmodel.Call, in *muster.DeleteCodeRepositoryInput) (*muster.DeleteCodeRepositoryOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := cellar.LookupProject(ctx, tx, own(call), in.ProjectId)
		if errors.Is(err, store.ErrNotFound) {
			return notFound("repository", in.ProjectId)
		}
		if err != nil {
			return err
		}
		i, err := cellar.LookupIntegration(ctx, tx, p.At, p.Integration)
		if err != nil {
			return err
		}
		if i.Kind.Forge() {
			return invalid("projectId", "The repository came with the integration %s: end that, or disassociate its scan configurations.", i.Name)
		}
		return end(ctx, tx, &i, call.Time)
	})
	if err != nil {
		return nil, ours(err)
	}
	return &muster.DeleteCodeRepositoryOutput{}, nil
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func show(i *cellar.Integration, p *cellar.Project) muster.CodeRepository {
	out := muster.CodeRepository{
		ProjectId: p.ID, Name: p.Name, ResourceId: string(p.ARN()), Provider: muster.CodeRepositoryProvider(i.Kind), IntegrationName: i.Name,
		IntegrationArn: string(i.ARN()), Status: string(i.Status), Url: optional(p.CloneURL), Branch: optional(p.Branch), LastScannedCommitId: optional(p.Commit), Problem: optional(hindrance(i, p)),
	}
	if i.Kind == cellar.Git {
		out.NotificationPath = new(Prefix + string(i.Account) + "/" + string(i.Region) + "/" + i.ID)
	}
	if !p.ScannedAt.IsZero() {
		out.LastScannedAt = new(p.ScannedAt)
	}
	return out
}

// ours are Inspector's exceptions as those of muster's own service.
func ours(err error) error {
	var wrong *inspector2.ValidationException
	var taken *inspector2.ConflictException
	var full *inspector2.ServiceQuotaExceededException
	var absent *inspector2.ResourceNotFoundException
	var tags *inspector2.BadRequestException
	switch {
	case errors.As(err, &wrong):
		out := &muster.ValidationException{Message: wrong.Message, Reason: muster.ValidationExceptionReasonFieldValidationFailed}
		for _, f := range wrong.Fields {
			out.Fields = append(out.Fields, muster.ValidationExceptionField{Name: f.Name, Message: f.Message})
		}
		return out
	case errors.As(err, &taken):
		return &muster.ConflictException{Message: taken.Message, ResourceId: taken.ResourceId, ResourceType: "CodeRepository"}
	case errors.As(err, &full):
		return &muster.ServiceQuotaExceededException{Message: full.Message}
	case errors.As(err, &absent):
		return &muster.ResourceNotFoundException{Message: absent.Message}
	case errors.As(err, &tags):
		return &muster.ValidationException{Message: tags.Message, Reason: muster.ValidationExceptionReasonFieldValidationFailed}
	}
	return err
}
