package results

import (
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
)

// wireResource is the resource of a finding.
func wireResource(f *finding.Finding) inspector2.Resource {
	r := &f.Resource
	return inspector2.Resource{
		Type: inspector2.ResourceType(r.Type), Id: r.ID, Partition: new("aws"), Region: new(string(f.Region)), Tags: tags(r.Tags),
		Details: wireDetails(r),
	}
}

// tags are always sent, as Inspector does.
func tags(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func wireDetails(r *finding.Resource) *inspector2.ResourceDetails {
	switch {
	case r.Instance != nil:
		return &inspector2.ResourceDetails{AwsEc2Instance: wireInstance(r.Instance)}
	case r.Image != nil:
		return &inspector2.ResourceDetails{AwsEcrContainerImage: wireImage(r.Image)}
	case r.Function != nil:
		return &inspector2.ResourceDetails{AwsLambdaFunction: wireFunction(r.Function)}
	case r.Code != nil:
		return &inspector2.ResourceDetails{CodeRepository: &inspector2.CodeRepositoryDetails{
			ProjectName: optional(r.Code.Project), IntegrationArn: optional(r.Code.IntegrationARN),
			ProviderType: provider(r.Code.Provider),
		}}
	}
	return nil
}

// provider leaves out muster's own kinds, which the model has no word for.
func provider(text string) inspector2.CodeRepositoryProviderType {
	switch p := inspector2.CodeRepositoryProviderType(text); p {
	case inspector2.CodeRepositoryProviderTypeGithub, inspector2.CodeRepositoryProviderTypeGitlabSelfManaged:
		return p
	}
	return ""
}

func wireInstance(i *finding.InstanceDetails) *inspector2.AwsEc2InstanceDetails {
	return &inspector2.AwsEc2InstanceDetails{
		Type: optional(i.Type), ImageId: optional(i.ImageID), IpV4Addresses: append([]string{}, i.IPv4...), IpV6Addresses: append([]string{}, i.IPv6...),
		KeyName: optional(i.KeyName), IamInstanceProfileArn: optional(i.ProfileARN), VpcId: optional(i.VPC), SubnetId: optional(i.Subnet),
		LaunchedAt: when(i.LaunchedAt), Platform: optional(i.Platform),
	}
}

func wireImage(i *finding.ImageDetails) *inspector2.AwsEcrContainerImageDetails {
	return &inspector2.AwsEcrContainerImageDetails{
		RepositoryName: i.Repository, Registry: i.Registry, ImageHash: i.Hash, ImageTags: append([]string{}, i.Tags...),
		PushedAt: when(i.PushedAt), Author: optional(i.Author), Architecture: optional(i.Architecture), Platform: optional(i.Platform),
		LastInUseAt: when(i.LastInUseAt), InUseCount: i.InUseCount,
	}
}

func wireFunction(f *finding.FunctionDetails) *inspector2.AwsLambdaFunctionDetails {
	out := &inspector2.AwsLambdaFunctionDetails{
		FunctionName: f.Name, Runtime: inspector2.Runtime(f.Runtime), CodeSha256: f.CodeSHA256, Version: f.Version, ExecutionRoleArn: f.RoleARN,
		Layers: f.Layers, PackageType: inspector2.PackageType(f.PackageType), LastModifiedAt: when(f.LastModifiedAt),
	}
	if f.VPC != "" {
		out.VpcConfig = &inspector2.LambdaVpcConfig{SubnetIds: f.Subnets, SecurityGroupIds: f.SecurityGroups, VpcId: optional(f.VPC)}
	}
	if f.Architecture != "" {
		out.Architectures = []inspector2.Architecture{inspector2.Architecture(f.Architecture)}
	}
	return out
}
