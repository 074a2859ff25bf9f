//! Travis' providers that are not here. A step with one of them fails, and says how to do it by
//! `provider: script`; the file is fine.

use super::super::Key;
use super::super::shape::map;
use super::a_to_c::*;
use super::d_to_l::*;
use super::m_to_z::*;
use super::{COMMON, Provider};

const fn travis(
    name: &'static str,
    tables: &'static [&'static [Key]],
    meaning: &'static str,
    doc: &'static str,
) -> Provider {
    let map = map(tables).prefix_text("provider");
    Provider { name, aliases: &[], map, works: false, meaning, doc }
}

macro_rules! page {
    ($page:literal) => {
        concat!("https://docs.travis-ci.com/user/deployment-v2/providers/", $page, "/")
    };
}

pub(super) const PROVIDERS: &[Provider] = &[
    travis("anynines", &[ANYNINES, COMMON], "Anynines", page!("anynines")),
    travis(
        "azure_web_apps",
        &[AZURE_WEB_APPS, COMMON],
        "Azure App Service",
        page!("azure-web-apps"),
    ),
    travis("bintray", &[BINTRAY, COMMON], "Bintray", page!("bintray")),
    travis(
        "bluemixcloudfoundry",
        &[BLUEMIXCLOUDFOUNDRY, COMMON],
        "IBM Bluemix",
        page!("bluemixcloudfoundry"),
    ),
    travis("boxfuse", &[BOXFUSE, COMMON], "Boxfuse", page!("boxfuse")),
    travis("cargo", &[CARGO, COMMON], "crates.io", page!("cargo")),
    travis(
        "chef_supermarket",
        &[CHEF_SUPERMARKET, COMMON],
        "Chef Supermarket",
        page!("chef-supermarket"),
    ),
    travis("cloud66", &[CLOUD66, COMMON], "Cloud 66", page!("cloud66")),
    travis("cloudfiles", &[CLOUDFILES, COMMON], "Rackspace Cloud Files", page!("cloudfiles")),
    travis(
        "cloudformation",
        &[CLOUDFORMATION, COMMON],
        "AWS CloudFormation",
        page!("cloudformation"),
    ),
    travis("cloudfoundry", &[CLOUDFOUNDRY, COMMON], "Cloud Foundry", page!("cloudfoundry")),
    travis("codedeploy", &[CODEDEPLOY, COMMON], "AWS CodeDeploy", page!("codedeploy")),
    travis("convox", &[CONVOX, COMMON], "Convox", page!("convox")),
    travis("datica", &[DATICA, COMMON], "Datica", page!("datica")),
    travis("ecr", &[ECR, COMMON], "Amazon's container registry", page!("ecr")),
    travis("engineyard", &[ENGINEYARD, COMMON], "Engine Yard", page!("engineyard")),
    travis("firebase", &[FIREBASE, COMMON], "Firebase", page!("firebase")),
    travis("flynn", &[FLYNN, COMMON], "Flynn", page!("flynn")),
    travis("gae", &[GAE, COMMON], "Google App Engine", page!("gae")),
    travis("gcs", &[GCS, COMMON], "Google Cloud Storage", page!("gcs")),
    travis("git_push", &[GIT_PUSH, COMMON], "another git branch", page!("git-push")),
    travis("gleis", &[GLEIS, COMMON], "Gleis", page!("gleis")),
    travis("hackage", &[HACKAGE, COMMON], "Hackage", page!("hackage")),
    travis("hephy", &[HEPHY, COMMON], "Hephy", page!("hephy")),
    travis("heroku", &[HEROKU, COMMON], "Heroku", page!("heroku")),
    travis("lambda", &[LAMBDA, COMMON], "AWS Lambda", page!("lambda")),
    travis("launchpad", &[LAUNCHPAD, COMMON], "Launchpad", page!("launchpad")),
    travis("netlify", &[NETLIFY, COMMON], "Netlify", page!("netlify")),
    travis("npm", &[NPM, COMMON], "npm", page!("npm")),
    travis("nuget", &[NUGET, COMMON], "NuGet", page!("nuget")),
    travis("openshift", &[OPENSHIFT, COMMON], "OpenShift", page!("openshift")),
    travis("opsworks", &[OPSWORKS, COMMON], "AWS OpsWorks", page!("opsworks")),
    travis("packagecloud", &[PACKAGECLOUD, COMMON], "packagecloud", page!("packagecloud")),
    travis("pages", &[PAGES, COMMON], "GitHub Pages", page!("pages")),
    travis("puppetforge", &[PUPPETFORGE, COMMON], "Puppet Forge", page!("puppetforge")),
    travis("pypi", &[PYPI, COMMON], "PyPI", page!("pypi")),
    travis("releases", &[RELEASES, COMMON], "GitHub Releases", page!("releases")),
    travis("rubygems", &[RUBYGEMS, COMMON], "RubyGems", page!("rubygems")),
    travis("scalingo", &[SCALINGO, COMMON], "Scalingo", page!("scalingo")),
    travis("snap", &[SNAP, COMMON], "the Snap Store", page!("snap")),
    travis("surge", &[SURGE, COMMON], "Surge", page!("surge")),
    travis("testfairy", &[TESTFAIRY, COMMON], "TestFairy", page!("testfairy")),
    travis("transifex", &[TRANSIFEX, COMMON], "Transifex", page!("transifex")),
];
