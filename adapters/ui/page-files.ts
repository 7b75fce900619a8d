import type { PageFiles } from "../../.ci/bundle-page.ts";

/**
 * The page's files. This is what runs from the sources: they are bundled when first asked for. The build puts a module in this
 * one's place that holds them as texts.
 */
export async function pageFiles(): Promise<PageFiles> {
  const { bundlePage } = await import("../../.ci/bundle-page.ts");
  return bundlePage();
}
