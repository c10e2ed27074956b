//! The parts of the application that extractors need.

use std::any::type_name;

use actix_web::{HttpRequest, web};

use crate::domain::error::{Error, Result};

/// A part of the application, such as its store or its clock.
///
/// # Errors
/// The application was built without it.
pub fn part<T: 'static>(request: &HttpRequest) -> Result<&web::Data<T>> {
    let missing = || Error::internal(format!("the application was built without its {}", type_name::<T>()));
    request.app_data::<web::Data<T>>().ok_or_else(missing)
}
