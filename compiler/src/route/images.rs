//! Whether a request's images are kept from the model that answers, which asks the
//! image agent about them instead.

use super::{Choice, RequestFeatures, Source};
use crate::plan::{Endpoint, Plan, Slot, Target};

/// The model that the image agent asks about the images of a request that goes to
/// `choice`; none where the model that answers gets the images themselves.
///
/// An agent takes images that slot `image` did not: those before the user's last
/// message, and all where `forceUseImageAgent` is on. It is of no use to the slot's
/// own model, to a model that calls no tools, and to a request that goes on with
/// what an endpoint keeps. Without `forceUseImageAgent` a model that the request
/// names gets what the client sends.
pub fn image_agent<'p>(
    plan: &'p Plan,
    features: &RequestFeatures<'_>,
    choice: &Choice<'p>,
) -> Option<&'p str> {
    let asked = plan.router.slots.get(&Slot::Image)?;
    let is_forced = plan.router.force_image_agent;
    let is_left = !features.image_in_last && choice.source != Source::ExplicitModel;
    let applies = features.image_anywhere && (is_forced || is_left);
    if !applies || features.interface.is_some() || !calls_tools(choice.target) {
        return None;
    }
    let target = plan.resolve(asked)?;
    (target != choice.target).then_some(asked)
}

/// Whether an endpoint behind a target is there to call tools.
fn calls_tools(target: Target<'_>) -> bool {
    let calls = |endpoint: &Endpoint| endpoint.enabled && endpoint.capabilities.tools;
    match target {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => calls(endpoint),
        Target::Pool(_, pool) => pool.endpoints.iter().any(calls),
    }
}
