package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ecr"
)

// code is the error code of an answer.
func code(err error) string {
	if e, ok := err.(awsmodel.Error); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// TestImagesInECR: what Inspector's users ask ECR about images.
func TestImagesInECR(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		e, ctx, call := w.ecr(), w.Context(), w.call()
		app := w.pushAndTell(c, token, hub.URL, "app:v1", debian(w.T, "amd64", "bash=5.2-1"))
		w.pushAndTell(c, token, hub.URL, "app:latest", debian(w.T, "amd64", "bash=5.2-1"))
		other := w.pushAndTell(c, token, hub.URL, "app:v2", debian(w.T, "arm64", "zlib1g=1"))

		found, err := e.DescribeImageScanFindings(ctx, call, &ecr.DescribeImageScanFindingsInput{RepositoryName: "app", ImageId: &ecr.ImageIdentifier{ImageTag: new("v1")}})
		if err != nil {
			w.Fatal(err)
		}
		f := found.ImageScanFindings.EnhancedFindings
		if len(f) != 1 || *f[0].PackageVulnerabilityDetails.VulnerabilityId != "CVE-2026-1000" || *f[0].PackageVulnerabilityDetails.VulnerablePackages[0].Name != "bash" ||
			*f[0].Resources[0].Details.AwsEcrContainerImage.Platform != "DEBIAN_12" || found.ImageScanStatus.Status != ecr.ScanStatusActive || found.ImageScanFindings.FindingSeverityCounts["UNDEFINED"] != 1 {
			w.Errorf("findings %+v, status %+v", f, found.ImageScanStatus)
		}
		described, err := e.DescribeImages(ctx, call, &ecr.DescribeImagesInput{RepositoryName: "app"})
		if err != nil || len(described.ImageDetails) != 2 {
			w.Fatal(described, err)
		}
		for _, d := range described.ImageDetails {
			if *d.ImageDigest == app && (strings.Join(d.ImageTags, " ") != "latest v1" || d.ImageScanFindingsSummary.FindingSeverityCounts["UNDEFINED"] != 1 || *d.ImageSizeInBytes == 0) {
				w.Errorf("described as %+v", d)
			}
		}
		var tags []string
		for token, pages := (*string)(nil), 0; pages == 0 || token != nil; pages++ {
			out, err := e.ListImages(ctx, call, &ecr.ListImagesInput{RepositoryName: "app", MaxResults: new(int32(1)), NextToken: token})
			if err != nil || pages > 5 {
				w.Fatal(err)
			}
			for _, id := range out.ImageIds {
				tags = append(tags, *id.ImageTag)
			}
			token = out.NextToken
		}
		if len(tags) != 3 {
			w.Errorf("listed %v", tags)
		}
		got, err := e.BatchGetImage(ctx, call, &ecr.BatchGetImageInput{RepositoryName: "app", ImageIds: []ecr.ImageIdentifier{{ImageDigest: &app}, {ImageTag: new("nope")}, {}, {ImageDigest: &app, ImageTag: new("v2")}}})
		if err != nil || len(got.Images) != 1 || !strings.Contains(*got.Images[0].ImageManifest, `"schemaVersion"`) {
			w.Fatal(got, err)
		}
		var failed []string
		for _, x := range got.Failures {
			failed = append(failed, string(x.FailureCode))
		}
		if strings.Join(failed, " ") != "ImageNotFound MissingDigestAndTag ImageTagDoesNotMatchDigest" {
			w.Errorf("failures %v", failed)
		}
		if _, err := e.StartImageScan(ctx, call, &ecr.StartImageScanInput{RepositoryName: "app", ImageId: &ecr.ImageIdentifier{ImageTag: new("v1")}}); code(err) != "ValidationException" || !strings.Contains(err.Error(), "This feature is disabled") {
			w.Errorf("StartImageScan: %v", err)
		}
		for want, err := range map[string]error{
			"ImageNotFoundException: The image with imageId {imageDigest:'null', imageTag:'x'} does not exist within the repository with name 'app' in the registry with id '111111111111'": second(e.DescribeImages(ctx, call, &ecr.DescribeImagesInput{RepositoryName: "app", ImageIds: []ecr.ImageIdentifier{{ImageTag: new("x")}}})),
			"RepositoryNotFoundException: The repository with name 'none' does not exist in the registry with id '111111111111'":                                                            second(e.ListImages(ctx, call, &ecr.ListImagesInput{RepositoryName: "none"})),
			"RepositoryNotFoundException: The repository with name 'app' does not exist in the registry with id '222222222222'":                                                             second(e.ListImages(ctx, call, &ecr.ListImagesInput{RepositoryName: "app", RegistryId: new("222222222222")})),
			"RepositoryNotEmptyException: The repository with name 'app' in registry with id '111111111111' cannot be deleted because it still contains images":                             second(e.DeleteRepository(ctx, call, &ecr.DeleteRepositoryInput{RepositoryName: "app"})),
		} {
			if err == nil || err.Error() != want {
				w.Errorf("%v\nwant %s", err, want)
			}
		}

		deleted, err := e.BatchDeleteImage(ctx, call, &ecr.BatchDeleteImageInput{RepositoryName: "app", ImageIds: []ecr.ImageIdentifier{{ImageDigest: &app}, {ImageTag: new("v1")}}})
		if err != nil || len(deleted.ImageIds) != 2 || len(deleted.Failures) != 1 {
			w.Fatalf("%+v, %v", deleted, err)
		}
		w.pass(0)
		if r, _ := w.image("app", app); r.Covered {
			w.Error("a deleted image is covered")
		}
		if _, err := e.DeleteRepository(ctx, call, &ecr.DeleteRepositoryInput{RepositoryName: "app", Force: new(true)}); err != nil {
			w.Fatal(err)
		}
		w.pass(0)
		if r, _ := w.image("app", other); r.Covered {
			w.Error("an image outlives its repository")
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestRepositoriesInECR: repositories with their settings, tags and policies.
func TestRepositoriesInECR(t *testing.T) {
	each(t, func(w *world) {
		e, ctx, call := w.ecr(), w.Context(), w.call()
		create := func(name string) error {
			return second(e.CreateRepository(ctx, call, &ecr.CreateRepositoryInput{RepositoryName: name, Tags: []ecr.Tag{{Key: "team", Value: "a"}}}))
		}
		for _, name := range []string{"b", "a/x"} {
			if err := create(name); err != nil {
				w.Fatal(err)
			}
		}
		if err := create("b"); code(err) != "RepositoryAlreadyExistsException" {
			w.Errorf("again: %v", err)
		}
		w.pass(0)
		list, err := e.DescribeRepositories(ctx, call, &ecr.DescribeRepositoriesInput{MaxResults: new(int32(1))})
		if err != nil || len(list.Repositories) != 1 || *list.Repositories[0].RepositoryName != "a/x" || list.NextToken == nil ||
			*list.Repositories[0].RepositoryUri != "111111111111.dkr.ecr.us-east-1.amazonaws.com/a/x" {
			w.Fatalf("%+v, %v", list, err)
		}
		list, err = e.DescribeRepositories(ctx, call, &ecr.DescribeRepositoriesInput{MaxResults: new(int32(1)), NextToken: list.NextToken})
		if err != nil || len(list.Repositories) != 1 || *list.Repositories[0].RepositoryName != "b" || list.NextToken != nil {
			w.Fatalf("%+v, %v", list, err)
		}
		arn := *list.Repositories[0].RepositoryArn
		if _, err := e.TagResource(ctx, call, &ecr.TagResourceInput{ResourceArn: arn, Tags: []ecr.Tag{{Key: "env", Value: "prod"}}}); err != nil {
			w.Error(err)
		}
		if _, err := e.UntagResource(ctx, call, &ecr.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"team"}}); err != nil {
			w.Error(err)
		}
		tags, err := e.ListTagsForResource(ctx, call, &ecr.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil || fmt.Sprint(tags.Tags) != "[{env prod}]" {
			w.Errorf("%v, %v", tags, err)
		}
		var many []ecr.Tag
		for i := range 51 {
			many = append(many, ecr.Tag{Key: fmt.Sprint("k", i), Value: ""})
		}
		if err := second(e.TagResource(ctx, call, &ecr.TagResourceInput{ResourceArn: arn, Tags: many})); code(err) != "TooManyTagsException" {
			w.Error(err)
		}
		if err := second(e.TagResource(ctx, call, &ecr.TagResourceInput{ResourceArn: "x", Tags: many})); code(err) != "InvalidParameterException" {
			w.Error(err)
		}
		if err := second(e.GetRepositoryPolicy(ctx, call, &ecr.GetRepositoryPolicyInput{RepositoryName: "b"})); code(err) != "RepositoryPolicyNotFoundException" {
			w.Error(err)
		}
		const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":["ecr:BatchGetImage"]}]}`
		if _, err := e.SetRepositoryPolicy(ctx, call, &ecr.SetRepositoryPolicyInput{RepositoryName: "b", PolicyText: text}); err != nil {
			w.Error(err)
		}
		if err := second(e.SetRepositoryPolicy(ctx, call, &ecr.SetRepositoryPolicyInput{RepositoryName: "b", PolicyText: `{"Statement":[1]}`})); code(err) != "InvalidParameterException" {
			w.Error(err)
		}
		if got, err := e.DeleteRepositoryPolicy(ctx, call, &ecr.DeleteRepositoryPolicyInput{RepositoryName: "b"}); err != nil || *got.PolicyText != text {
			w.Error(got, err)
		}
		batch, err := e.BatchGetRepositoryScanningConfiguration(ctx, call, &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"b", "none"}})
		if err != nil || len(batch.Failures) != 1 || batch.ScanningConfigurations[0].ScanFrequency != ecr.ScanFrequencyContinuousScan || batch.ScanningConfigurations[0].AppliedScanFilters[0].Filter != "*" {
			w.Errorf("%+v, %v", batch, err)
		}
		for _, rules := range [][]ecr.RegistryScanningRule{
			{{ScanFrequency: ecr.ScanFrequencyManual}},
			{{ScanFrequency: ecr.ScanFrequencyScanOnPush}, {ScanFrequency: ecr.ScanFrequencyScanOnPush}},
		} {
			if err := second(e.PutRegistryScanningConfiguration(ctx, call, &ecr.PutRegistryScanningConfigurationInput{ScanType: ecr.ScanTypeEnhanced, Rules: rules})); code(err) != "ValidationException" {
				w.Errorf("%+v: %v", rules, err)
			}
		}
		if _, err := e.DeleteRepository(ctx, call, &ecr.DeleteRepositoryInput{RepositoryName: "b"}); err != nil {
			w.Error(err)
		}
		if err := second(e.DescribeRepositories(ctx, call, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"b"}})); code(err) != "RepositoryNotFoundException" {
			w.Error(err)
		}
	})
}
