# Cluster-robust errors of a two-way fixed-effects difference in differences, by clubSandwich, on a made-up panel.
# Run: Rscript two_group_panel.R   (reads two_group_panel.csv, writes two_group_panel_errors.csv)
# R 4.2.2, clubSandwich 0.5.8.
#
# "linear" and "poisson with dummies": the full models with a dummy for every unit and month. clubSandwich has no CR3
# where a cluster has a dummy of its own (its adjustment is singular), so that of "linear" comes from the fits that
# leave one unit out. "poisson": the same model conditional on the units' totals, a logit with one row a unit. With one
# row a cluster the adjustment of CR2 is unique; with several rows of unequal weight it is defined up to a rotation, so
# that the CR2 of "poisson with dummies" differs a little. CR3 is without the factor (N - 1) / N.
suppressMessages(library(clubSandwich))

panel <- read.csv("two_group_panel.csv")
panel$unit <- factor(panel$unit)
panel$month <- factor(panel$month)

row_of <- function(model, type, fit, cluster, term) {
  covariance <- vcovCR(fit, cluster = cluster, type = type)
  test <- coef_test(fit, vcov = covariance, test = "Satterthwaite")
  position <- which(rownames(test) == term)
  df <- if ("df_Satt" %in% names(test)) test$df_Satt else test$df
  data.frame(model = model, type = type, effect = test$beta[position], std_error = test$SE[position],
             df = df[position], p_value = test$p_Satt[position])
}
full <- function(model, fit) {
  do.call(rbind, lapply(c("CR0", "CR1", "CR2"), function(type) row_of(model, type, fit, panel$unit, "did")))
}

linear <- lm(count ~ did + unit + month, data = panel)
poisson <- glm(count ~ did + unit + month, data = panel, family = poisson(), epsilon = 1e-14, maxit = 100)

without <- sapply(levels(panel$unit), function(u) {
  coef(lm(count ~ did + unit + month, data = droplevels(panel[panel$unit != u, ])))["did"]
})
jackknife <- data.frame(model = "linear", type = "CR3", effect = coef(linear)["did"],
                        std_error = sqrt(sum((without - coef(linear)["did"])^2)), df = NA, p_value = NA)

post <- panel$month %in% panel$month[panel$did == 1]
totals <- data.frame(unit = levels(panel$unit), after = as.vector(tapply(panel$count * post, panel$unit, sum)),
                     all = as.vector(tapply(panel$count, panel$unit, sum)),
                     treated = as.vector(tapply(panel$did, panel$unit, max)))
logit <- glm(cbind(after, all - after) ~ treated, data = totals, family = binomial(), epsilon = 1e-14, maxit = 100)
collapsed <- do.call(rbind, lapply(c("CR0", "CR1", "CR2", "CR3"), function(type) {
  row_of("poisson", type, logit, totals$unit, "treated")
}))

out <- rbind(full("linear", linear), jackknife, full("poisson with dummies", poisson), collapsed)
out[-(1:2)] <- lapply(out[-(1:2)], function(x) ifelse(is.na(x), "", formatC(x, digits = 15, format = "g")))
write.csv(out, "two_group_panel_errors.csv", row.names = FALSE, quote = FALSE)
