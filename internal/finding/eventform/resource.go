package eventform

import "muster/internal/finding"

// Resource is the resource of a finding.
type Resource struct {
	Type      string            `json:"type"`
	ID        string            `json:"id"`
	Partition string            `json:"partition"`
	Region    string            `json:"region"`
	Tags      map[string]string `json:"tags"`
	Details   Details           `json:"details"`
}

// Details describe a resource by its type; at most one is set.
type Details struct {
	Instance *Instance `json:"awsEc2Instance,omitempty"`
	Image    *Image    `json:"awsEcrContainerImage,omitempty"`
	Function *Function `json:"awsLambdaFunction,omitempty"`
	Code     *CodeRepo `json:"codeRepository,omitempty"`
}

// Instance describes a host.
type Instance struct {
	Type       string   `json:"type,omitempty"`
	ImageID    string   `json:"imageId,omitempty"`
	IPv4       []string `json:"ipV4Addresses"`
	IPv6       []string `json:"ipV6Addresses"`
	KeyName    string   `json:"keyName,omitempty"`
	ProfileARN string   `json:"iamInstanceProfileArn,omitempty"`
	VPC        string   `json:"vpcId,omitempty"`
	Subnet     string   `json:"subnetId,omitempty"`
	LaunchedAt Time     `json:"launchedAt,omitzero"`
	Platform   string   `json:"platform,omitempty"`
}

// Image describes a container image in a repository.
type Image struct {
	Repository   string   `json:"repositoryName"`
	Registry     string   `json:"registry"`
	Hash         string   `json:"imageHash"`
	Tags         []string `json:"imageTags"`
	Author       string   `json:"author,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Platform     string   `json:"platform,omitempty"`
	PushedAt     Time     `json:"pushedAt,omitzero"`
	LastInUseAt  Time     `json:"lastInUseAt,omitzero"`
	InUseCount   *int64   `json:"inUseCount,omitempty"`
}

// Function describes a Lambda function.
type Function struct {
	Name           string   `json:"functionName"`
	Runtime        string   `json:"runtime"`
	CodeSHA256     string   `json:"codeSha256"`
	Version        string   `json:"version"`
	RoleARN        string   `json:"executionRoleArn"`
	Layers         []string `json:"layers,omitempty"`
	VPC            *VPC     `json:"vpcConfig,omitempty"`
	PackageType    string   `json:"packageType,omitempty"`
	Architectures  []string `json:"architectures,omitempty"`
	LastModifiedAt Time     `json:"lastModifiedAt,omitzero"`
}

// VPC is the network of a function.
type VPC struct {
	Subnets        []string `json:"subnetIds,omitempty"`
	SecurityGroups []string `json:"securityGroupIds,omitempty"`
	ID             string   `json:"vpcId,omitempty"`
}

// CodeRepo describes a source code repository.
type CodeRepo struct {
	Project        string `json:"projectName,omitempty"`
	IntegrationARN string `json:"integrationArn,omitempty"`
	Provider       string `json:"providerType,omitempty"`
}

func resourceOf(f *finding.Finding) Resource {
	r := Resource{
		Type: string(f.Resource.Type), ID: f.Resource.ID, Partition: "aws", Region: string(f.Region), Tags: f.Resource.Tags,
	}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	if i := f.Resource.Instance; i != nil {
		r.Details.Instance = &Instance{
			Type: i.Type, ImageID: i.ImageID, IPv4: list(i.IPv4), IPv6: list(i.IPv6), KeyName: i.KeyName, ProfileARN: i.ProfileARN,
			VPC: i.VPC, Subnet: i.Subnet, LaunchedAt: Time(i.LaunchedAt), Platform: i.Platform,
		}
	}
	if i := f.Resource.Image; i != nil {
		r.Details.Image = &Image{
			Repository: i.Repository, Registry: i.Registry, Hash: i.Hash, Tags: list(i.Tags), Author: i.Author, Architecture: i.Architecture,
			Platform: i.Platform, PushedAt: Time(i.PushedAt), LastInUseAt: Time(i.LastInUseAt), InUseCount: i.InUseCount,
		}
	}
	if u := f.Resource.Function; u != nil {
		r.Details.Function = functionOf(u)
	}
	if c := f.Resource.Code; c != nil {
		r.Details.Code = &CodeRepo{c.Project, c.IntegrationARN, c.Provider}
	}
	return r
}

func functionOf(u *finding.FunctionDetails) *Function {
	out := &Function{
		Name: u.Name, Runtime: u.Runtime, CodeSHA256: u.CodeSHA256, Version: u.Version, RoleARN: u.RoleARN, Layers: u.Layers,
		PackageType: u.PackageType, LastModifiedAt: Time(u.LastModifiedAt),
	}
	if u.VPC != "" {
		out.VPC = &VPC{u.Subnets, u.SecurityGroups, u.VPC}
	}
	if u.Architecture != "" {
		out.Architectures = []string{u.Architecture}
	}
	return out
}

// list is never nil, because events write empty lists.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
