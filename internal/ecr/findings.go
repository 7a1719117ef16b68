package ecr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/registry"
)

// scanStatus is an image's coverage in ECR's words.
func scanStatus(r *catalog.Resource) *api.ImageScanStatus {
	status, text := api.ScanStatusFailed, "The scan failed."
	switch r.Reason {
	case "SUCCESSFUL":
		status, text = api.ScanStatusActive, "Continuous scan is selected for image."
	case "PENDING_INITIAL_SCAN", "PENDING_REVIVAL_SCAN":
		status, text = api.ScanStatusPending, "The image is waiting for its scan."
	case "SCAN_FREQUENCY_SCAN_ON_PUSH":
		status, text = api.ScanStatusComplete, "The scan was completed successfully."
	case "SCAN_ELIGIBILITY_EXPIRED":
		status, text = api.ScanStatusScanEligibilityExpired, "The windows in which the image is scanned have closed."
	case "UNSUPPORTED_OS", "UNSUPPORTED_MEDIA_TYPE":
		status, text = api.ScanStatusUnsupportedImage, "The image cannot be scanned: "+r.Reason+"."
	case "SCAN_FREQUENCY_MANUAL", "PENDING_DISABLE", "IMAGE_ARCHIVED":
		status, text = api.ScanStatusFindingsUnavailable, "The image is not scanned: "+r.Reason+"."
	case "ACCESS_DENIED", "INTERNAL_ERROR":
		text = "The scan failed: " + r.Reason + "."
	}
	return &api.ImageScanStatus{Status: status, Description: new(text)}
}

// active are the findings of an image that are shown, by ARN.
func active(ctx context.Context, tx *store.Tx, r *catalog.Resource) ([]findings.Stored, error) {
	list, err := findings.OfResource(ctx, tx, r.Number)
	list = slices.DeleteFunc(list, func(f findings.Stored) bool { return f.Status != finding.Active })
	slices.SortFunc(list, func(a, b findings.Stored) int { return strings.Compare(string(a.ARN), string(b.ARN)) })
	return list, err
}

// counts are findings by severity; ECR calls UNDEFINED what nobody has rated.
func counts(list []findings.Stored) map[api.FindingSeverity]int32 {
	n := map[api.FindingSeverity]int32{}
	for i := range list {
		severity := api.FindingSeverity(list[i].Severity)
		if list[i].Severity == finding.Untriaged {
			severity = api.FindingSeverityUndefined
		}
		n[severity]++
	}
	return n
}

// DescribeImageScanFindings returns what enhanced scanning found in an image.
func (s *Service) DescribeImageScanFindings(ctx context.Context, call *awsmodel.Call, in *api.DescribeImageScanFindingsInput) (*api.DescribeImageScanFindingsOutput, error) {
	const op = "DescribeImageScanFindings"
	bound := []string{in.RepositoryName, shown(in.ImageId)}
	after, err := s.place(call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeImageScanFindingsOutput, error) {
		repo, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		e, err := one(ctx, tx, &repo, in.ImageId)
		if err != nil {
			return nil, err
		}
		if !e.ArchivedAt.IsZero() {
			return nil, &api.ImageArchivedException{Message: fmt.Sprintf("The image with imageId %s is archived", shown(in.ImageId))}
		}
		r, err := catalog.LookupResource(ctx, tx, imagePlace(&e))
		if errors.Is(err, store.ErrNotFound) || err == nil && !r.Covered {
			return nil, &api.ScanNotFoundException{Message: fmt.Sprintf(
				"Image scan does not exist for the image with '%s' in the repository with name '%s' in the registry with id '%s'",
				shown(&api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: in.ImageId.ImageTag}), repo.Name, repo.Account)}
		}
		if err != nil {
			return nil, err
		}
		list, err := active(ctx, tx, &r)
		if err != nil {
			return nil, err
		}
		out := &api.DescribeImageScanFindingsOutput{
			RegistryId: new(string(repo.Account)), RepositoryName: new(repo.Name), ImageScanStatus: scanStatus(&r),
			ImageId: &api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: in.ImageId.ImageTag},
			ImageScanFindings: &api.ImageScanFindings{
				ImageScanCompletedAt: when(r.ScannedAt), VulnerabilitySourceUpdatedAt: when(r.ScannedAt), FindingSeverityCounts: counts(list),
				EnhancedFindings: []api.EnhancedImageScanFinding{},
			},
		}
		list = slices.DeleteFunc(list, func(f findings.Stored) bool { return string(f.ARN) <= after })
		if len(list) > limit {
			list = list[:limit]
			out.NextToken = s.token(call, op, bound, string(list[limit-1].ARN))
		}
		for i := range list {
			out.ImageScanFindings.EnhancedFindings = append(out.ImageScanFindings.EnhancedFindings, enhanced(&list[i].Finding, &e))
		}
		return out, nil
	})
}

// enhanced is a finding as ECR shows it.
func enhanced(f *finding.Finding, e *registry.Entry) api.EnhancedImageScanFinding {
	out := api.EnhancedImageScanFinding{
		AwsAccountId: new(string(f.Account)), Description: new(f.Description), FindingArn: new(string(f.ARN)),
		FirstObservedAt: when(f.FirstObservedAt), LastObservedAt: when(f.LastObservedAt), UpdatedAt: when(f.UpdatedAt),
		Severity: new(string(f.Severity)), Status: new(string(f.Status)), Title: new(f.Title), Type: new(string(f.Type)),
		FixAvailable: optional(string(f.Fix)), ExploitAvailable: optional(string(f.Exploit)),
		Remediation: &api.Remediation{Recommendation: &api.Recommendation{Text: optional(f.Recommendation.Text), Url: optional(f.Recommendation.URL)}},
		Resources:   []api.Resource{resource(f, e)},
	}
	if s := f.Score; s != nil {
		out.Score = new(s.Value)
		cvss := &api.CvssScoreDetails{Score: new(s.Value), ScoreSource: new(s.Source), ScoringVector: new(s.Vector), Version: new(s.Version), Adjustments: []api.CvssScoreAdjustment{}}
		for _, a := range s.Adjustments {
			cvss.Adjustments = append(cvss.Adjustments, api.CvssScoreAdjustment{Metric: new(a.Metric), Reason: new(a.Reason)})
		}
		out.ScoreDetails = &api.ScoreDetails{Cvss: cvss}
	}
	if f.Package != nil {
		out.PackageVulnerabilityDetails = packages(f.Package)
	}
	return out
}

func resource(f *finding.Finding, e *registry.Entry) api.Resource {
	r := api.Resource{Id: new(f.Resource.ID), Type: new(string(f.Resource.Type)), Tags: f.Resource.Tags}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	if i := f.Resource.Image; i != nil {
		r.Details = &api.ResourceDetails{AwsEcrContainerImage: &api.AwsEcrContainerImageDetails{
			Architecture: optional(i.Architecture), Author: optional(i.Author), ImageHash: new(i.Hash), ImageTags: append([]string{}, e.Tags...),
			Platform: optional(i.Platform), PushedAt: when(e.PushedAt), LastInUseAt: when(e.UsedAt), InUseCount: i.InUseCount,
			Registry: new(i.Registry), RepositoryName: new(i.Repository),
		}}
	}
	return r
}

func packages(p *finding.PackageDetails) *api.PackageVulnerabilityDetails {
	out := &api.PackageVulnerabilityDetails{
		Cvss: []api.CvssScore{}, ReferenceUrls: append([]string{}, p.ReferenceURLs...), RelatedVulnerabilities: append([]string{}, p.Related...),
		Source: optional(p.Source), SourceUrl: optional(p.SourceURL), VendorCreatedAt: when(p.VendorCreatedAt), VendorUpdatedAt: when(p.VendorUpdatedAt),
		VendorSeverity: optional(p.VendorSeverity), VulnerabilityId: new(p.VulnerabilityID), VulnerablePackages: []api.VulnerablePackage{},
	}
	for _, c := range p.CVSS {
		out.Cvss = append(out.Cvss, api.CvssScore{BaseScore: new(c.BaseScore), ScoringVector: new(c.Vector), Source: new(c.Source), Version: new(c.Version)})
	}
	for _, k := range p.Packages {
		out.VulnerablePackages = append(out.VulnerablePackages, api.VulnerablePackage{
			Arch: optional(k.Arch), Epoch: new(k.Epoch), FilePath: optional(k.Path), Name: new(k.Name), PackageManager: optional(k.Manager),
			Release: optional(k.Release), SourceLayerHash: optional(k.Layer), Version: new(k.Version), FixedInVersion: optional(k.FixedIn),
		})
	}
	return out
}
